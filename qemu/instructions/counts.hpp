// What the counting plugin says of one boot.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cfs/result.hpp"
#include "cfs/stage_marker.hpp"

namespace cfs::instructions {

struct StageCount {
  std::uint64_t instructions = 0;  // since the machine was switched on
  std::uint64_t repeats = 0;       // of which are repetitions of a string instruction
};

class Counts {
 public:
  // `text` is the plugin's file `stages`. A stage that ended more than once counts the first time.
  // Code::unsupported_input for anything but lines of the plugin, each with more instructions than the one
  // before.
  [[nodiscard]] static Result<Counts> parse(std::string_view text);

  // Nothing for a stage that this boot does not have, or does not mark.
  [[nodiscard]] const std::optional<StageCount>& at(Stage stage) const {
    return stages_[static_cast<std::size_t>(stage)];
  }

  // Instructions from the end of one stage to the end of another; nothing unless the boot has both.
  [[nodiscard]] std::optional<std::uint64_t> between(Stage from, Stage to) const;

 private:
  std::array<std::optional<StageCount>, stage_names.size()> stages_{};
};

}  // namespace cfs::instructions
