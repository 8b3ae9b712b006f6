// SPDX-License-Identifier: Apache-2.0
// composefs-root as PID 1 of an initramfs that holds nothing else.
#pragma once

#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/boot/failure_action.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// Boots: kernel file systems, policy, modules, verified root, hand-over to its init. Returns only on failure;
// `plan` then says what the policy wants done. `arguments` and `environment` are what the kernel gave to
// init: they come from its command line, so they are passed on only when that is a signed one.
[[nodiscard]] Error run_init(Kernel& kernel, FailurePlan& plan, const std::vector<std::string>& arguments,
                             const std::vector<std::string>& environment);

}  // namespace cfs
