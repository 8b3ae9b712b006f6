// SPDX-License-Identifier: Apache-2.0
// The file system of the state on a running system. Its mount is hidden: what systemd does to file systems
// that it sees is done here.
#pragma once

#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// Both need /run and /dev, and do nothing on a system without state. Code::mount_failed, and the codes of
// mount_again().

// The last act of a machine that shuts down: makes the file system read-only, for systemd cannot, and the
// next boot would replay its journal. To be called when all other processes have ended and everything else is
// unmounted.
[[nodiscard]] Result<> release_state(Kernel& kernel);

// Grows the file system to the size of its device, if it is an ext4 that is smaller.
[[nodiscard]] Result<> grow_state(Kernel& kernel);

}  // namespace cfs
