// SPDX-License-Identifier: Apache-2.0
#include "qemu/block_statistics.hpp"

#include <nlohmann/json.hpp>

#include "cfs/base/text.hpp"

namespace cfs {

Result<std::vector<BlockStatistics>> parse_block_statistics(std::string_view json) {
  try {
    const auto answer = nlohmann::json::parse(json);
    std::vector<BlockStatistics> disks;
    for (const auto& device : answer.at("return")) {
      const auto& counted = device.at("stats");
      disks.push_back({.disk = device.at("device"),
                       .read_requests = counted.at("rd_operations"),
                       .read_bytes = counted.at("rd_bytes"),
                       .write_requests = counted.at("wr_operations"),
                       .written_bytes = counted.at("wr_bytes")});
    }
    return disks;
  } catch (const nlohmann::json::exception& error) {
    return fail(Code::unsupported_input, cat("block statistics: ", printable(error.what())));
  }
}

}  // namespace cfs
