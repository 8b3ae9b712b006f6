// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/metacopy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <span>

namespace cfs {
namespace {

Digest digest_of(HashAlgorithm algorithm) {
  std::array<unsigned char, 64> bytes{};
  bytes.fill(0x5a);
  return Digest::from_bytes(algorithm, std::span(bytes).first(digest_size(algorithm))).value();
}

TEST(Metacopy, IsAHeaderAndTheDigest) {
  const std::string value = format_metacopy(digest_of(HashAlgorithm::sha256));
  EXPECT_EQ(value, std::string("\0\x24\0\1", 4) + std::string(32, '\x5a'));
  EXPECT_EQ(format_metacopy(digest_of(HashAlgorithm::sha512)).substr(0, 4), std::string("\0\x44\0\2", 4));
  for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha512}) {
    EXPECT_EQ(parse_metacopy(format_metacopy(digest_of(algorithm))), digest_of(algorithm));
  }
}

TEST(Metacopy, IsNothingElse) {
  const std::string good = format_metacopy(digest_of(HashAlgorithm::sha256));
  EXPECT_FALSE(parse_metacopy(""));
  EXPECT_FALSE(parse_metacopy(good.substr(0, 3)));
  EXPECT_FALSE(parse_metacopy(good.substr(0, 35)));
  EXPECT_FALSE(parse_metacopy(good + 'x'));
  for (std::size_t i = 0; i < metacopy_header_size; ++i) {
    std::string bad = good;
    bad[i] = 7;
    EXPECT_FALSE(parse_metacopy(bad)) << i;
  }
  std::string other = good;
  other[3] = 2;  // SHA-512 has more bytes
  EXPECT_FALSE(parse_metacopy(other));
}

}  // namespace
}  // namespace cfs
