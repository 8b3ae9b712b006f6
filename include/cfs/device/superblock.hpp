// SPDX-License-Identifier: Apache-2.0
// What a file system says of itself, for those that a store or a state can lie on: ext4, btrfs and f2fs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// Texts are those that blkid(8), and thereby udev, gives; empty where the file system has none.
struct Superblock {
  std::string file_system;  // "ext4", "btrfs" or "f2fs"
  std::string uuid;
  std::string label;
};

// Reads it from a device or a disk image. nullopt when there is none, when reading fails, or when there are
// several: which of them counts would be a guess. Ext2 and ext3 are not ext4. Checksums are left to the
// kernel, which refuses to mount what is damaged.
[[nodiscard]] std::optional<Superblock> read_superblock(const Fd& device);

// Whether the file system of the device is `wanted` (any of the three when that is empty), and one that may
// be mounted: of ext4, what check_ext4_settings() allows. Returns its type. Code::file_system_refused;
// Code::device_unreadable when read_superblock() finds nothing.
[[nodiscard]] Result<std::string> check_file_system(const Fd& device, std::string_view wanted);

}  // namespace cfs
