// Any device: read_superblock() gives one of the file systems, with texts that can be its, or nothing.
#include "cfs/superblock.hpp"

#include <cstdint>
#include <cstdlib>

#include "disk_in_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::int64_t offset : {1024, 65536}) {
    const auto superblock = cfs::read_superblock(disk_in_memory(data, size, offset));
    constexpr std::size_t longest_label = 512 * 3;
    if (superblock && (superblock->file_system.empty() || superblock->label.size() > longest_label ||
                       (!superblock->uuid.empty() && superblock->uuid.size() != 36))) {
      std::abort();
    }
  }
  return 0;
}
