// SPDX-License-Identifier: Apache-2.0
// A file system of a device that is mounted where nobody sees it: the store, the state. The root, which is
// never unmounted, lies over it.
#pragma once

#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/device/block_device.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

struct HiddenMountRequest {
  std::string file_system;  // what the device must hold; empty: whatever there can be (superblock.hpp)
  Access superblock = Access::read_only;
  Access mount = Access::read_only;
  bool noexec = false;
};

struct HiddenMount {
  BlockDevice device;
  std::string file_system;  // "ext4"
  Fd mount;                 // detached, nodev and nosuid: it goes away with its descriptor
};

// Mounts the file system of an open device, if check_file_system() lets it: asked before, so that the kernel
// gets to see no other, and once more afterwards, since the journal that the kernel replays can bring another
// superblock. This does not help against a device that returns other bytes to the kernel than before.
// Needs /proc. Code::mount_failed, Code::kernel_feature, and the codes of check_file_system().
[[nodiscard]] Result<HiddenMount> mount_hidden(Kernel& kernel, BlockDevice device,
                                               const HiddenMountRequest& request);

// Mounts the file system of the device at this path once more, which is the only way to get hold of it on the
// running system; noexec. `superblock` must be the access that its first mount gave it; `mount` is that of
// this mount alone. Code::io_error, and the codes of mount_hidden().
[[nodiscard]] Result<HiddenMount> mount_again(Kernel& kernel, const std::string& device, Access superblock,
                                              Access mount);

}  // namespace cfs
