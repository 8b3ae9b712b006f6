// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/failure_action.hpp"

#include <unistd.h>

namespace cfs {

FailurePlan plan_failure(const Policy& policy) noexcept {
  return {.action = policy.failure.action, .wait_seconds = 0, .shell = policy.failure.shell};
}

void take_action(Kernel& kernel, const FailurePlan& plan) {
  ::sleep(plan.wait_seconds);
  kernel.act(plan.action);
}

}  // namespace cfs
