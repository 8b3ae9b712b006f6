// SPDX-License-Identifier: Apache-2.0
// What the disks of a machine did, as QEMU counts it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs {

struct BlockStatistics {
  std::string disk;  // QEMU's name for it
  std::uint64_t read_requests = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t write_requests = 0;
  std::uint64_t written_bytes = 0;
};

// The answer of QEMU's monitor to query-blockstats (QEMU Machine Protocol Reference, BlockStats), a line of
// JSON: one of these for each disk. Code::unsupported_input.
[[nodiscard]] Result<std::vector<BlockStatistics>> parse_block_statistics(std::string_view json);

}  // namespace cfs
