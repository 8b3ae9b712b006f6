// SPDX-License-Identifier: Apache-2.0
// What the partition table of a disk says of a partition: GPT (UEFI specification 2.10, chapter 5) or MBR.
#pragma once

#include <cstdint>
#include <string>

#include "cfs/base/fd.hpp"

namespace cfs {

// A partition as the kernel numbers and places it.
struct PartitionPlace {
  std::uint32_t number = 0;  // from 1
  std::uint64_t start = 0;   // in bytes
};

// Texts are those that blkid(8), and thereby udev, gives; empty where the table has none.
struct PartitionTags {
  std::string uuid;   // MBR: the disk's number and the partition's, "1234abcd-02"
  std::string label;  // GPT only
};

// Reads them from a disk with sectors of this many bytes, or from a disk image. A table that has another
// partition there is not the one that the kernel uses: no tags, as when reading fails. The backup GPT, which
// the kernel only uses when told to, is not looked at.
[[nodiscard]] PartitionTags read_partition(const Fd& disk, std::uint32_t sector_size, PartitionPlace place);

}  // namespace cfs
