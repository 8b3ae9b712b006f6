// SPDX-License-Identifier: Apache-2.0
// Any device: read_superblock() gives one of the file systems, with texts that can be its, or nothing; what
// check_file_system() takes is one that it gives.
#include "cfs/device/superblock.hpp"

#include <cstdint>
#include <cstdlib>

#include "disk_in_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::int64_t offset : {1024, 65536}) {
    const cfs::Fd disk = disk_in_memory(data, size, offset);
    const auto superblock = cfs::read_superblock(disk);
    const auto checked = cfs::check_file_system(disk, {});
    constexpr std::size_t longest_label = 512 * 3;
    if (superblock && (superblock->file_system.empty() || superblock->label.size() > longest_label ||
                       (!superblock->uuid.empty() && superblock->uuid.size() != 36))) {
      std::abort();
    }
    if (checked && (!superblock || superblock->file_system != *checked)) {
      std::abort();
    }
  }
  return 0;
}
