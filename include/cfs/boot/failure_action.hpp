// SPDX-License-Identifier: Apache-2.0
// What to do when a boot fails.
#pragma once

#include "cfs/kernel/kernel.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// Known in full only once the policy was read.
struct FailurePlan {
  // Without a readable policy: leave the line on the screen for a while, then power off.
  FailureAction action = FailureAction::poweroff;
  unsigned wait_seconds = 10;
  bool shell = false;
};

[[nodiscard]] FailurePlan plan_failure(const Policy& policy) noexcept;

// Waits as long as the plan says, then takes its action. Returns only when the kernel refuses that.
void take_action(Kernel& kernel, const FailurePlan& plan);

}  // namespace cfs
