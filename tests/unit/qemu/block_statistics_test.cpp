// SPDX-License-Identifier: Apache-2.0
#include "qemu/block_statistics.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

TEST(BlockStatistics, AreThoseOfEachDiskAndNotOfWhatLiesBelowIt) {
  const auto disks = parse_block_statistics(
      R"({"return": [
        {"device": "disk0",
         "backing": {"stats": {"rd_operations": 1, "rd_bytes": 2, "wr_operations": 3, "wr_bytes": 4}},
         "stats": {"flush_operations": 9, "rd_operations": 5, "rd_bytes": 6144, "wr_operations": 7,
                   "wr_bytes": 8192}},
        {"device": "disk1",
         "stats": {"rd_operations": 0, "rd_bytes": 0, "wr_operations": 0, "wr_bytes": 0}}]})");
  ASSERT_TRUE(disks) << disks.error().line();
  ASSERT_EQ(disks->size(), 2U);
  EXPECT_EQ((*disks)[0].disk, "disk0");
  EXPECT_EQ((*disks)[0].read_requests, 5U);
  EXPECT_EQ((*disks)[0].read_bytes, 6144U);
  EXPECT_EQ((*disks)[0].write_requests, 7U);
  EXPECT_EQ((*disks)[0].written_bytes, 8192U);
  EXPECT_EQ((*disks)[1].disk, "disk1");
}

TEST(BlockStatistics, RefusesAnyOtherAnswer) {
  for (const char* text : {"", "{", "[]", R"({"return": [{"device": "disk0"}]})",
                           R"({"return": [{"device": "disk0", "stats": {"rd_operations": 1}}]})"}) {
    const auto disks = parse_block_statistics(text);
    ASSERT_FALSE(disks) << text;
    EXPECT_EQ(disks.error().code(), Code::unsupported_input) << text;
  }
}

}  // namespace
}  // namespace cfs
