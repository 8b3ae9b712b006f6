// SPDX-License-Identifier: Apache-2.0
// composefs-root as PID 1 of an initrd with systemd: what must be decided before systemd exists.
#pragma once

#include "cfs/base/result.hpp"
#include "cfs/boot/failure_action.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// Mounts the kernel file systems, reads the policy, the keys and the command line, refuses what they do not
// allow, loads the modules of the initramfs's own list, unpacks the inner archive where there is one, closes
// the doors of the system that follows, and executes systemd: without arguments, and with an environment of
// its own, for the kernel takes both from the command line. The files of the outer archive count: what the
// inner one has in their place is left out.
//
// Returns only on failure; `plan` then says what the policy wants done. Errors: those of load_policy_of() and
// load_configuration(), check_initrd_kind(), load_modules(), unpack_file() and close_doors();
// Code::init_failed.
[[nodiscard]] Error run_front_door(Kernel& kernel, FailurePlan& plan);

}  // namespace cfs
