// SPDX-License-Identifier: Apache-2.0
#include "counts.hpp"

#include "cfs/base/text.hpp"

namespace cfs::instructions {

Result<Counts> Counts::parse(std::string_view text) {
  Counts counts;
  std::uint64_t last = 0;
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) {
      continue;
    }
    const auto words = split(line, ' ');
    const auto stage = words.size() == 5 ? stage_by_name(words[0]) : std::nullopt;
    const auto instructions = stage ? parse_decimal<std::uint64_t>(words[1]) : std::nullopt;
    const auto repeats = stage ? parse_decimal<std::uint64_t>(words[2]) : std::nullopt;
    const auto requests = stage ? parse_decimal<std::uint64_t>(words[3]) : std::nullopt;
    const auto bytes = stage ? parse_decimal<std::uint64_t>(words[4]) : std::nullopt;
    if (!instructions || !repeats || !requests || !bytes || *instructions < last) {
      return fail(Code::unsupported_input, cat("the plugin wrote \"", printable(line), '"'));
    }
    last = *instructions;
    auto& count = counts.stages_[static_cast<std::size_t>(*stage)];
    if (!count) {
      count = StageCount{.instructions = *instructions,
                         .repeats = *repeats,
                         .read_requests = *requests,
                         .read_bytes = *bytes};
    }
  }
  return counts;
}

std::optional<StageCount> Counts::between(Stage from, Stage to) const {
  const auto& begin = at(from);
  const auto& end = at(to);
  if (!begin || !end || end->instructions < begin->instructions) {
    return std::nullopt;
  }
  return StageCount{.instructions = end->instructions - begin->instructions,
                    .repeats = end->repeats - begin->repeats,
                    .read_requests = end->read_requests - begin->read_requests,
                    .read_bytes = end->read_bytes - begin->read_bytes};
}

}  // namespace cfs::instructions
