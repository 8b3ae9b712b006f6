// SPDX-License-Identifier: Apache-2.0
// Which disk a block device lies on, and whether it can be plugged in by anyone: what sysfs(5) says.
#pragma once

#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

struct BlockDisk {
  // The directory of the disk in sysfs, its real path, by which two disks are told apart. A partition lies on
  // the disk that it is a part of; a mapped device or an array (dm, md) on the disk of the one device that it
  // is made of. One made of several is a disk of its own, and so is a loop device.
  std::string directory;
  // The kernel calls its medium, or a device on the way to it, removable, or it is reached through USB; for a
  // device made of others, one of those.
  bool removable = false;
};

// The disk of an open block device. `sysfs` is where sysfs is mounted. Code::io_error, also when it is no
// block device.
[[nodiscard]] Result<BlockDisk> disk_of(const Fd& device, const std::string& sysfs = "/sys");

// The same for the device to which a link of sysfs leads, such as SYSFS/class/block/NAME.
[[nodiscard]] Result<BlockDisk> disk_at(const std::string& link, const std::string& sysfs);

}  // namespace cfs
