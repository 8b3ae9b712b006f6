// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <sys/utsname.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/tool/svg.hpp"

namespace cfs::bench {

namespace {

constexpr const char* conditions =
    "Both sides in one run, alternately, on the same two processors. The page cache is warm: no cache is\n"
    "dropped. Each run writes into a fresh ext4 in memory, flushed before it starts: no device is measured, "
    "and\n"
    "fsync costs only processor time. Times are in seconds: wall is what a user waits, cpu the processor "
    "time\n"
    "in user mode and in the kernel, flush what it takes afterwards to bring to the device what was left in\n"
    "memory. Peak is the largest resident set, in MiB.\n";

// Below this, figures are noise and their ratio says nothing.
constexpr double least_comparable = 0.0005;

std::string ratio(const Measured& ours, const Measured& theirs,
                  const std::function<double(const Cost&)>& figure) {
  const double own = range(ours, figure).median;
  const double other = range(theirs, figure).median;
  if (own < least_comparable || other < least_comparable) {
    return "-";
  }
  return format("%.2f", other / own);
}

nlohmann::ordered_json to_json(const Measured& side) {
  const auto figure = [&side](const std::function<double(const Cost&)>& of) {
    const Range all = range(side, of);
    nlohmann::ordered_json json{{"minimum", all.minimum}, {"median", all.median}, {"maximum", all.maximum}};
    for (const Cost& cost : side.runs) {
      json["runs"].push_back(of(cost));
    }
    return json;
  };
  return {{"program", side.name},
          {"wall_seconds", figure(&Cost::wall)},
          {"user_seconds", figure(&Cost::user)},
          {"system_seconds", figure(&Cost::system)},
          {"peak_mebibytes", figure(&Cost::peak)},
          {"flush_seconds", figure(&Cost::flush)}};
}

}  // namespace

void print_conditions() {
  (void)std::fputs(conditions, stdout);
}

void print(const Comparison& comparison) {
  std::printf("\n%s (%zu runs each)\n", comparison.name.c_str(), comparison.sides.front().runs.size());
  std::printf("  %-18s %9s %9s %9s %9s %9s %9s %9s\n", "", "wall min", "median", "max", "cpu user", "kernel",
              "peak", "flush");
  for (const Measured& side : comparison.sides) {
    const Range wall = range(side, &Cost::wall);
    std::printf("  %-18s %9.3f %9.3f %9.3f %9.3f %9.3f %9.1f %9.3f\n", side.name.c_str(), wall.minimum,
                wall.median, wall.maximum, range(side, &Cost::user).median, range(side, &Cost::system).median,
                range(side, &Cost::peak).median, range(side, &Cost::flush).median);
  }
  const Measured& ours = comparison.sides.front();
  const Measured& theirs = comparison.sides.back();
  std::printf("  %-18s %9s %9s %9s %9s %9s %9s %9s\n", "theirs / ours", "",
              ratio(ours, theirs, &Cost::wall).c_str(), "", ratio(ours, theirs, &Cost::user).c_str(),
              ratio(ours, theirs, &Cost::system).c_str(), ratio(ours, theirs, &Cost::peak).c_str(),
              ratio(ours, theirs, &Cost::flush).c_str());
  (void)std::fflush(stdout);
}

void print(const std::vector<Target>& targets) {
  std::printf("\n%-72s %8s %10s\n", "Targets", "value", "target");
  for (const Target& target : targets) {
    std::printf("%-72s %8.2f %3s %6.2f  %s\n", target.what.c_str(), target.value,
                target.kind == Target::Kind::at_least ? ">=" : "<=", target.limit,
                target.met() ? "met" : "missed");
  }
}

Result<> write_json(const Report& report, const std::string& path) {
  utsname system{};
  if (::uname(&system) != 0) {
    return fail_errno(Code::io_error, "ask for the kernel's version");
  }
  nlohmann::ordered_json json{
      {"conditions", conditions},
      {"kernel", cat(std::string_view(system.release), ' ', std::string_view(system.machine))},
      {"processors", std::thread::hardware_concurrency()},
      {"comparisons", nlohmann::ordered_json::array()},
      {"targets", nlohmann::ordered_json::array()}};
  for (const Comparison& comparison : report.comparisons) {
    nlohmann::ordered_json sides = nlohmann::ordered_json::array();
    for (const Measured& side : comparison.sides) {
      sides.push_back(to_json(side));
    }
    json["comparisons"].push_back({{"name", comparison.name}, {"sides", std::move(sides)}});
  }
  for (const Target& target : report.targets) {
    json["targets"].push_back({{"what", target.what},
                               {"value", target.value},
                               {"kind", target.kind == Target::Kind::at_least ? "at-least" : "at-most"},
                               {"limit", target.limit},
                               {"met", target.met()}});
  }
  return write_file(path, json.dump(2) + '\n');
}

}  // namespace cfs::bench
