// SPDX-License-Identifier: Apache-2.0
// The file systems of the kernel that PID 1 of an initramfs mounts before anything else.
#pragma once

#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// Mounts /proc, /sys, /dev and /run, as systemd would. Code::mount_failed.
[[nodiscard]] Result<> mount_kernel_file_systems(Kernel& kernel);

}  // namespace cfs
