// SPDX-License-Identifier: Apache-2.0
// What the counting plugin and QEMU's monitor say of one boot.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/base/stage_marker.hpp"

namespace cfs::instructions {

struct StageCount {
  std::uint64_t instructions = 0;   // since the machine was switched on
  std::uint64_t repeats = 0;        // of which are repetitions of a string instruction
  std::uint64_t read_requests = 0;  // that the disk has got
  std::uint64_t read_bytes = 0;
};

class Counts {
 public:
  // `text` has a line "STAGE INSTRUCTIONS REPEATS READ-REQUESTS READ-BYTES" for each stage. One that ended
  // more than once counts the first time. Code::unsupported_input for anything else, and for a line with
  // fewer instructions than the one before.
  [[nodiscard]] static Result<Counts> parse(std::string_view text);

  // nullopt for a stage that this boot does not have, or does not mark.
  [[nodiscard]] const std::optional<StageCount>& at(Stage stage) const {
    return stages_[static_cast<std::size_t>(stage)];
  }

  // From the end of one stage to the end of another; nullopt unless the boot has both, in this order.
  [[nodiscard]] std::optional<StageCount> between(Stage from, Stage to) const;

 private:
  std::array<std::optional<StageCount>, stage_names.size()> stages_{};
};

}  // namespace cfs::instructions
