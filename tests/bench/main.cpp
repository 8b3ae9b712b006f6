// SPDX-License-Identifier: Apache-2.0
// cfs-bench: compares cfs-sign compose and disk with mkcomposefs, cp and mke2fs. tests/bench/run starts it.
#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "cases.hpp"
#include "plot.hpp"

namespace {

using cfs::Result;
using cfs::bench::Cases;

struct Case {
  const char* name;
  Result<> (Cases::*measure)();
};

constexpr std::array cases{
    Case{"digest", &Cases::digest_only}, Case{"empty", &Cases::empty_store}, Case{"full", &Cases::full_store},
    Case{"disk", &Cases::disk},          Case{"small", &Cases::small_files}, Case{"growth", &Cases::growth},
};

struct Options {
  cfs::bench::Setup setup;
  std::string output;
  std::vector<std::string> chosen;  // names of cases; all if there are none
};

Result<> measure(const Options& options) {
  Cases all = CFS_TRY(Cases::open(options.setup));
  cfs::bench::print_conditions();
  for (const auto& [name, measure_one] : cases) {
    if (options.chosen.empty() || std::ranges::find(options.chosen, name) != options.chosen.end()) {
      CFS_TRY((all.*measure_one)());
    }
  }
  print(all.report().targets);
  if (!all.growth_series().empty()) {
    CFS_TRY(write_plot(all.growth_series(), options.output + "/growth.svg"));
  }
  return write_json(all.report(), options.output + "/compose.json");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Compares composing images with other programs; see tests/bench/run --help", "cfs-bench");
  app.add_option("--cfs-sign", options.setup.cfs_sign)->required();
  app.add_option("--mkcomposefs", options.setup.mkcomposefs, "Its command, a word each time")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--root", options.setup.root, "A Debian root directory")->required();
  app.add_option("--work", options.setup.work, "A directory to write into")->required();
  app.add_flag("--full", options.setup.full, "Growth up to a million files");
  app.add_option("--output", options.output, "A directory for the results")->required();
  std::vector<std::string> names;
  names.reserve(cases.size());
  for (const Case& one : cases) {
    names.emplace_back(one.name);
  }
  app.add_option("--case", options.chosen)->allow_extra_args(false)->check(CLI::IsMember(names));
  CLI11_PARSE(app, argc, argv);
  if (const Result<> outcome = measure(options); !outcome) {
    (void)std::fprintf(stderr, "cfs-bench: %s\n", outcome.error().line().c_str());
    return 1;
  }
  return 0;
}
