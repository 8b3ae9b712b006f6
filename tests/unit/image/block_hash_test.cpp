// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/block_hash.hpp"

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <string>

#include "unit/hashed_bytes.hpp"

namespace cfs {
namespace {

TEST(BlockHash, IsThatOfEachBlock) {
  for (const std::size_t block_size : {64UL, 256UL, 4096UL}) {
    for (const std::size_t count : {0UL, 1UL, 2UL, 3UL, 15UL, 16UL, 17UL, 18UL, 35UL}) {
      const std::string blocks = pattern(count * block_size);
      std::string hashes(count * 32, '\0');
      ASSERT_TRUE(hash_blocks(HashAlgorithm::sha256, block_size, blocks, hashes));
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(hashes.substr(i * 32, 32), sha256(blocks.substr(i * block_size, block_size)));
      }
    }
  }
}

TEST(BlockHash, KnowsSha512) {
  const std::string blocks = pattern(8192);
  std::string hashes(128, '\0');
  ASSERT_TRUE(hash_blocks(HashAlgorithm::sha512, 4096, blocks, hashes));
  std::string expected(64, '\0');
  ::SHA512(reinterpret_cast<const unsigned char*>(blocks.data()) + 4096, 4096,
           reinterpret_cast<unsigned char*>(expected.data()));
  EXPECT_EQ(hashes.substr(64), expected);
}

}  // namespace
}  // namespace cfs
