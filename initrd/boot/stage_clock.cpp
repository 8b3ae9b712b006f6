// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/stage_clock.hpp"

namespace cfs {

using std::chrono::duration_cast;
using std::chrono::microseconds;

void StageClock::record(std::string_view stage) {
  const auto now = std::chrono::steady_clock::now();
  stages_.push_back({.stage = stage,
                     .end = duration_cast<microseconds>(now.time_since_epoch()),
                     .duration = duration_cast<microseconds>(now - last_)});
  last_ = now;
}

microseconds StageClock::elapsed() const {
  return duration_cast<microseconds>(std::chrono::steady_clock::now() - start_);
}

}  // namespace cfs
