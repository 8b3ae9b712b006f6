#include "results.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cfs/svg.hpp"
#include "cfs/text.hpp"

namespace cfs::instructions {

namespace {

constexpr auto conditions_format =
    "Instructions that one emulated processor executes, kernel and user space, in millions; idle time counts "
    "nothing.\n"
    "Counted from kernel-entry, the first instruction of the bzImage at its 32-bit entry (0x100000): "
    "firmware "
    "and\n"
    "boot loader are before it, decompressing the kernel is not. QEMU %s, q35, %s, 1 GiB, SeaBIOS, virtio "
    "disk,\n"
    "nokaslr, quiet; %zu runs of each, one after the other.\n";

struct Part {
  const char* title;
  Stage from;
  Stage to;
};
constexpr std::array parts{
    Part{"kernel entry to /init", Stage::kernel_entry, Stage::init_entry},
    Part{"/init to attached", Stage::init_entry, Stage::attached},
    Part{"modules loaded to attached", Stage::modules, Stage::attached},
    Part{"kernel entry to attached", Stage::kernel_entry, Stage::attached},
    Part{"attached to first service", Stage::attached, Stage::early_service},
    Part{"kernel entry to first service", Stage::kernel_entry, Stage::early_service},
    Part{"kernel entry to multi-user", Stage::kernel_entry, Stage::multi_user_target},
};

struct TimedPart {
  const char* title;
  std::vector<Times> Measured::* boots;
  double Times::* end;
};
constexpr std::array timed_parts{
    TimedPart{"to first service", &Measured::timed, &Times::early_service},
    TimedPart{"to multi-user", &Measured::timed, &Times::multi_user_target},
    TimedPart{"to first service, slow disk", &Measured::timed_on_slow_disk, &Times::early_service},
    TimedPart{"to multi-user, slow disk", &Measured::timed_on_slow_disk, &Times::multi_user_target},
};

std::optional<double> median(const Measured& contender, const TimedPart& part) {
  std::vector<double> values;
  for (const Times& times : contender.*part.boots) {
    values.push_back(times.*part.end);
  }
  if (values.empty()) {
    return std::nullopt;
  }
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

nlohmann::ordered_json json_of(const std::vector<Times>& boots) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Times& times : boots) {
    array.push_back({{std::string(name(Stage::early_service)), times.early_service},
                     {std::string(name(Stage::multi_user_target)), times.multi_user_target}});
  }
  return array;
}

double millions(std::uint64_t instructions) {
  return static_cast<double>(instructions) / 1e6;
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string left(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

constexpr std::size_t title_width = 31;
constexpr std::size_t column_width = 20;

std::string header(const Results& results) {
  std::string line(title_width, ' ');
  for (const Measured& contender : results.contenders) {
    line += right(contender.name, column_width);
  }
  return line + '\n';
}

}  // namespace

std::string conditions(const Results& results) {
  return format(conditions_format, results.qemu_version.c_str(),
                results.cpu.empty() ? "its usual processor" : results.cpu.c_str(),
                results.contenders.empty() ? 0 : results.contenders.front().runs.size());
}

std::string stage_table(const Results& results) {
  std::string table = header(results);
  table += left("initramfs, bytes", title_width);
  for (const Measured& contender : results.contenders) {
    table += right(cat(contender.initrd_bytes), column_width);
  }
  table += '\n';
  for (std::size_t i = 1; i < stage_names.size(); ++i) {
    table += left(std::string(stage_names[i]), title_width);
    for (const Measured& contender : results.contenders) {
      const auto found = range(contender, Stage::kernel_entry, static_cast<Stage>(i));
      table += right(!found ? "-"
                            : format("%.2f", millions(found->median)) +
                                  format(" (%.2f)", millions(found->maximum - found->minimum)),
                     column_width);
    }
    table += '\n';
  }
  return table;
}

std::string read_table(const Results& results) {
  std::string table = header(results);
  for (std::size_t i = 1; i < stage_names.size(); ++i) {
    table += left(std::string(stage_names[i]), title_width);
    for (const Measured& contender : results.contenders) {
      const auto to = static_cast<Stage>(i);
      const auto requests = range(contender, Stage::kernel_entry, to, &StageCount::read_requests);
      const auto bytes = range(contender, Stage::kernel_entry, to, &StageCount::read_bytes);
      table +=
          right(!requests || !bytes ? "-" : cat(requests->median) + format(" %8.2f", millions(bytes->median)),
                column_width);
    }
    table += '\n';
  }
  return table;
}

std::string time_table(const Results& results) {
  std::string table = header(results);
  const auto floor = std::find_if(results.contenders.begin(), results.contenders.end(),
                                  [](const Measured& contender) { return contender.name == "e"; });
  for (const TimedPart& part : timed_parts) {
    table += left(part.title, title_width);
    const auto least = floor == results.contenders.end() ? std::nullopt : median(*floor, part);
    for (const Measured& contender : results.contenders) {
      const auto found = median(contender, part);
      const std::string ratio = found && least ? format(" %6.2fx", *found / *least) : "";
      table += right(found ? format("%.2f", *found) + ratio : "-", column_width);
    }
    table += '\n';
  }
  return table;
}

std::string part_table(const Results& results) {
  std::string table = header(results);
  for (const Part& part : parts) {
    table += left(part.title, title_width);
    const auto first =
        results.contenders.empty() ? std::nullopt : range(results.contenders.front(), part.from, part.to);
    for (const Measured& contender : results.contenders) {
      const auto found = range(contender, part.from, part.to);
      const std::string ratio =
          first && found && first->median != 0
              ? format(" %6.2fx", static_cast<double>(found->median) / static_cast<double>(first->median))
              : "";
      table += right(found ? format("%.2f", millions(found->median)) + ratio : "-", column_width);
    }
    table += '\n';
  }
  return table;
}

std::string json(const Results& results) {
  nlohmann::ordered_json contenders = nlohmann::ordered_json::array();
  for (const Measured& contender : results.contenders) {
    nlohmann::ordered_json runs = nlohmann::ordered_json::array();
    for (const Counts& counts : contender.runs) {
      nlohmann::ordered_json run = nlohmann::ordered_json::object();
      for (std::size_t i = 0; i < stage_names.size(); ++i) {
        if (const auto& count = counts.at(static_cast<Stage>(i))) {
          run[std::string(stage_names[i])] = {{"instructions", count->instructions},
                                              {"string-repeats", count->repeats},
                                              {"read-requests", count->read_requests},
                                              {"read-bytes", count->read_bytes}};
        }
      }
      runs.push_back(std::move(run));
    }
    contenders.push_back({{"name", contender.name},
                          {"initramfs-bytes", contender.initrd_bytes},
                          {"runs", std::move(runs)},
                          {"timed-seconds", json_of(contender.timed)},
                          {"timed-seconds-on-slow-disk", json_of(contender.timed_on_slow_disk)}});
  }
  const nlohmann::ordered_json all{{"conditions", conditions(results)},
                                   {"qemu", results.qemu_version},
                                   {"cpu", results.cpu},
                                   {"contenders", std::move(contenders)}};
  return all.dump(2) + '\n';
}

}  // namespace cfs::instructions
