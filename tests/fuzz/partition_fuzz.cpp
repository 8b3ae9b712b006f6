// SPDX-License-Identifier: Apache-2.0
// Any disk: read_partition() gives texts that can be a partition's, or none.
#include "cfs/device/partition.hpp"

#include <cstdint>
#include <cstdlib>

#include "disk_in_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cfs::Fd disk = disk_in_memory(data, size, 0);
  for (const std::uint32_t number : {1U, 4U, 5U, 129U}) {
    const auto tags = cfs::read_partition(disk, 512, {.number = number, .start = 1U << 20});
    constexpr std::size_t uuid_size = 36;
    constexpr std::size_t longest_label = 36 * 3;
    if (tags.uuid.size() > uuid_size || tags.label.size() > longest_label) {
      std::abort();
    }
  }
  return 0;
}
