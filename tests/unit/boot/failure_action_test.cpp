// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/failure_action.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

TEST(FailurePlan, WithoutAPolicyIsToWaitAndPowerOff) {
  const FailurePlan plan;
  EXPECT_EQ(plan.action, FailureAction::poweroff);
  EXPECT_EQ(plan.wait_seconds, 10U);
  EXPECT_FALSE(plan.shell);
}

TEST(FailurePlan, IsThePolicysAtOnce) {
  for (const FailureAction action : {FailureAction::reboot, FailureAction::poweroff, FailureAction::halt}) {
    for (const bool shell : {false, true}) {
      Policy policy;
      policy.failure.action = action;
      policy.failure.shell = shell;
      const FailurePlan plan = plan_failure(policy);
      EXPECT_EQ(plan.action, action);
      EXPECT_EQ(plan.shell, shell);
      EXPECT_EQ(plan.wait_seconds, 0U);
    }
  }
}

TEST(FailureAction, HasAName) {
  EXPECT_EQ(name(FailureAction::reboot), "reboot");
  EXPECT_EQ(name(FailureAction::poweroff), "poweroff");
  EXPECT_EQ(name(FailureAction::halt), "halt");
}

}  // namespace
}  // namespace cfs
