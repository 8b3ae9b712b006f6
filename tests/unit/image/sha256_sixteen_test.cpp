// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/sha256_sixteen.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/hashed_bytes.hpp"

namespace cfs {
namespace {

TEST(Sha256Sixteen, HashesSixteenMessages) {
  if (!has_sha256_sixteen()) {
    GTEST_SKIP() << "this processor has no AVX-512";
  }
  const std::string bytes = pattern(16 * 4096);
  for (std::size_t size = 0; size <= 4096; size += 64) {
    std::string hashes(16UL * 32, '\0');
    sha256_sixteen(bytes.data(), size, hashes.data());
    for (std::size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(hashes.substr(i * 32, 32), sha256(bytes.substr(i * size, size))) << size;
    }
  }
}

}  // namespace
}  // namespace cfs
