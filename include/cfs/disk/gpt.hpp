// SPDX-License-Identifier: Apache-2.0
// GUID partition tables (UEFI specification 2.10, chapter 5), written with libfdisk.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/tool/uuid.hpp"

namespace cfs {

// Types of our partitions, so that tools recognise them whatever they hold.
inline constexpr std::string_view store_partition_type = "01a4c013-b6e7-4056-bfb1-52fc529805ba";
inline constexpr std::string_view state_partition_type = "29642b8c-fab9-454a-b5d5-b83269602c4d";

inline constexpr unsigned sector_size = 512;  // in bytes, of the table

// Partitions begin and end at multiples of this; the same space is kept free before the first and after the
// last, for the tables.
inline constexpr std::uint64_t partition_alignment = 1UL << 20;

struct Partition {
  std::string_view type;  // a GUID
  std::string_view label;
  Uuid id;
  std::uint64_t offset = 0;  // in bytes
  std::uint64_t size = 0;    // in bytes
};

// Writes a table with exactly these partitions to the disk image or device `file`, whose size is the disk's
// and which holds no table yet. Code::io_error.
[[nodiscard]] Result<> write_gpt(const Fd& file, const Uuid& disk, std::span<const Partition> partitions);

}  // namespace cfs
