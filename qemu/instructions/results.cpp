// SPDX-License-Identifier: Apache-2.0
#include "results.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cfs/base/text.hpp"
#include "cfs/tool/svg.hpp"

namespace cfs::instructions {

namespace {

constexpr auto conditions_format =
    "Instructions that one emulated processor executes, kernel and user space, in millions; idle time counts "
    "nothing.\n"
    "Counted from kernel-entry, the first instruction of the kernel's image, at 0x%s: firmware and boot "
    "loader are\n"
    "before it, decompressing the kernel, where it is a bzImage, is not. QEMU %s, q35, %s, 1 GiB,\n"
    "SeaBIOS, virtio disk, nokaslr, quiet; %zu runs of each, one after the other.\n";

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
    Part{"verified to attached", Stage::verify, Stage::attached},
    Part{"ls -lR /usr, cold", Stage::files_begin, Stage::files_listed},
    Part{"ls -lR /usr, warm", Stage::files_listed, Stage::files_relisted},
    Part{"read all files of /usr, cold", Stage::files_again, Stage::files_read},
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
constexpr std::size_t part_width = 26;

std::string header(const Results& results, std::size_t width) {
  std::string line(title_width, ' ');
  for (const Measured& contender : results.contenders) {
    line += right(contender.name, width);
  }
  return line + '\n';
}

// One of the stages whose end is counted from that of the first.
bool any_has(const Results& results, Stage stage) {
  return stage != Stage::kernel_entry &&
         std::any_of(results.contenders.begin(), results.contenders.end(), [&](const Measured& contender) {
           return range(contender, Stage::kernel_entry, stage).has_value();
         });
}

std::uint64_t StageCount::* member_of(Figure figure) {
  switch (figure) {
    case Figure::read_requests:
      return &StageCount::read_requests;
    case Figure::read_bytes:
      return &StageCount::read_bytes;
    case Figure::instructions:
      break;
  }
  return &StageCount::instructions;
}

std::string text_of(std::uint64_t value, Figure figure) {
  return figure == Figure::read_requests ? cat(value) : format("%.2f", millions(value));
}

std::string part_row(const Results& results, const Part& part, Figure figure) {
  std::string row = left(part.title, title_width);
  std::optional<double> first;
  for (const Measured& contender : results.contenders) {
    const auto found = range(contender, part.from, part.to, member_of(figure));
    std::string cell = "-";
    if (found) {
      const auto value = static_cast<double>(found->median);
      cell = cat(text_of(found->median, figure), " (", text_of(found->maximum - found->minimum, figure), ')');
      if (!first) {
        first = value;
      }
      cell += *first == 0 ? "        " : format(" %6.3fx", value / *first);
    }
    row += right(cell, part_width);
  }
  return row + '\n';
}

}  // namespace

std::string conditions(const Results& results) {
  return format(conditions_format, results.kernel_entry.c_str(), results.qemu_version.c_str(),
                results.cpu.empty() ? "its usual processor" : results.cpu.c_str(),
                results.contenders.empty() ? 0 : results.contenders.front().runs.size());
}

std::string stage_table(const Results& results) {
  std::string table = header(results, column_width);
  table += left("initramfs, bytes", title_width);
  for (const Measured& contender : results.contenders) {
    table += right(cat(contender.initrd_bytes), column_width);
  }
  table += '\n';
  for (std::size_t i = 0; i < stage_names.size(); ++i) {
    if (!any_has(results, static_cast<Stage>(i))) {
      continue;
    }
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
  std::string table = header(results, column_width);
  for (std::size_t i = 0; i < stage_names.size(); ++i) {
    const auto to = static_cast<Stage>(i);
    if (!any_has(results, to)) {
      continue;
    }
    table += left(std::string(stage_names[i]), title_width);
    for (const Measured& contender : results.contenders) {
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
  std::string table = header(results, column_width);
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

std::string part_table(const Results& results, Figure figure) {
  std::string table = header(results, part_width);
  for (const Part& part : parts) {
    if (std::any_of(results.contenders.begin(), results.contenders.end(), [&](const Measured& contender) {
          return range(contender, part.from, part.to).has_value();
        })) {
      table += part_row(results, part, figure);
    }
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
