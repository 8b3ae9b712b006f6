// SPDX-License-Identifier: Apache-2.0
// What an ext4 of a hostile disk may ask of the kernel, by its superblock (struct ext4_super_block of Linux's
// fs/ext4/ext4.h).
//
// Lists of what is allowed: the features and settings that `cfs-sign disk`, mke2fs of Debian 12 and 13 and
// systemd-repart write, and those that the kernel adds to such a file system while it is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

inline constexpr std::uint64_t ext4_superblock_offset = 1024;
inline constexpr std::size_t ext4_superblock_size = 1024;

// `superblock` is one of ext4_superblock_size bytes with the magic number of ext4.
// Code::file_system_refused, naming what is not allowed: a feature, a journal on another device, a default
// mount option, a reaction to errors other than to go on or to become read-only.
[[nodiscard]] Result<> check_ext4_settings(std::string_view superblock);

}  // namespace cfs
