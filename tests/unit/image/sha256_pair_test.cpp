// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/sha256_pair.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/hashed_bytes.hpp"

namespace cfs {
namespace {

TEST(Sha256Pair, HashesTwoMessages) {
  if (!has_sha256_pair()) {
    GTEST_SKIP() << "this processor has no instructions for SHA-256";
  }
  const std::string bytes = pattern(2 * 8192 + 1);
  for (std::size_t size = 0; size <= 8192; size += 64) {
    std::string hashes(64, '\0');
    sha256_pair({bytes.data(), bytes.data() + size + 1}, size, {hashes.data(), hashes.data() + 32});
    EXPECT_EQ(hashes.substr(0, 32), sha256(bytes.substr(0, size)));
    EXPECT_EQ(hashes.substr(32), sha256(bytes.substr(size + 1, size)));
  }
}

}  // namespace
}  // namespace cfs
