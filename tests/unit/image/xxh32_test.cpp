// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/xxh32.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cfs {
namespace {

// The sanity buffer of the xxHash reference implementation, and its values for it.
TEST(Xxh32, GivesTheReferenceValues) {
  std::string bytes;
  std::uint64_t generator = 2654435761U;
  for (int i = 0; i < 222; ++i) {
    bytes += static_cast<char>(generator >> 56);
    generator *= 11400714785074694797ULL;
  }
  const std::string_view all = bytes;
  EXPECT_EQ(xxh32("", 0), 0x02CC5D05U);
  EXPECT_EQ(xxh32("", 2654435761U), 0x36B78AE7U);
  EXPECT_EQ(xxh32(all.substr(0, 1), 0), 0xCF65B03EU);
  EXPECT_EQ(xxh32(all.substr(0, 14), 0), 0x1208E7E2U);
  EXPECT_EQ(xxh32(all.substr(0, 222), 0), 0x5BD11DBDU);
  EXPECT_EQ(xxh32(all.substr(0, 222), 2654435761U), 0x58803C5FU);
}

}  // namespace
}  // namespace cfs
