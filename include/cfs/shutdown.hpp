// The last act of a machine that shuts down.
#pragma once

#include "cfs/kernel.hpp"
#include "cfs/result.hpp"

namespace cfs {

// Makes the file system of the state read-only. Nobody sees its mount: the root, which is never unmounted,
// and /etc lie over it, so systemd cannot do it, and the next boot would replay its journal. To be called
// when all other processes have ended and everything else is unmounted. Needs /run and /dev; does nothing on
// a system without state. Code::mount_failed, Code::io_error.
[[nodiscard]] Result<> release_state(Kernel& kernel);

}  // namespace cfs
