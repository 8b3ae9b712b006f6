// SPDX-License-Identifier: Apache-2.0
// How long each stage of a boot takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cfs/base/stage_marker.hpp"

namespace cfs {

struct StageTime {
  std::string_view stage;
  std::chrono::microseconds end;  // on CLOCK_MONOTONIC
  std::chrono::microseconds duration;
};

class StageClock {
 public:
  // Timing begins now.
  StageClock() : last_(std::chrono::steady_clock::now()), start_(last_) {}

  // Ends the stage that began when the one before ended, or at construction.
  template <Stage stage>
  void end() {
    mark_stage<stage>();
    record(name(stage));
  }

  // In the order in which they ended.
  [[nodiscard]] const std::vector<StageTime>& stages() const noexcept { return stages_; }

  // Since construction.
  [[nodiscard]] std::chrono::microseconds elapsed() const;

 private:
  void record(std::string_view stage);

  std::vector<StageTime> stages_;
  std::chrono::steady_clock::time_point last_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace cfs
