// A file system that the running system has mounted where nobody sees it: the store, the state. The root,
// which is never unmounted, lies over it.
#pragma once

#include <string>

#include "cfs/fd.hpp"
#include "cfs/kernel.hpp"
#include "cfs/result.hpp"

namespace cfs {

struct HiddenMount {
  Fd device;
  std::string file_system;  // "ext4"
  Fd mount;  // detached and noexec: nobody sees it either, and it goes away with its descriptor
};

// Mounts the file system of the device at this path once more, which is the only way to get hold of it.
// `superblock` must be the access that its first mount gave it; `mount` is that of this mount alone.
// Code::io_error, Code::device_unreadable when it holds none of the file systems that there can be
// (superblock.hpp), Code::mount_failed, Code::kernel_feature.
[[nodiscard]] Result<HiddenMount> mount_again(Kernel& kernel, const std::string& device, Access superblock,
                                              Access mount);

}  // namespace cfs
