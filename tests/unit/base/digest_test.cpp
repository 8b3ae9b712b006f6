// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/digest.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

const std::string hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string twice = std::string(hex).append(hex);

TEST(Digest, RoundTrips) {
  for (const std::string& text : {"sha256:" + hex, "sha512:" + twice}) {
    const auto digest = Digest::parse(text);
    ASSERT_TRUE(digest) << digest.error().what();
    EXPECT_EQ(digest->text(), text);
    EXPECT_EQ(digest->hex(), text.substr(7));
    EXPECT_EQ(Digest::from_bytes(digest->algorithm(), digest->bytes()).value(), *digest);
  }
}

TEST(Digest, NamesItsObject) {
  EXPECT_EQ(Digest::parse("sha256:" + hex)->object_path(), "01/" + hex.substr(2));
}

TEST(Digest, RefusesEverythingElse) {
  for (const std::string& text : std::vector<std::string>{
           "", hex, ":" + hex, "sha256:", "sha256:" + twice, "sha512:" + hex, "sha1:" + hex, "SHA256:" + hex,
           "sha256:" + hex.substr(1), "sha256:0" + hex, "sha256: " + hex, "sha256:\n" + hex,
           "sha256:" + std::string(64, 'A'), "sha256:" + std::string(64, 'g')}) {
    EXPECT_EQ(Digest::parse(text).error().code(), Code::unsupported_input) << text;
  }
  const std::array<unsigned char, 64> bytes{};
  EXPECT_FALSE(Digest::from_bytes(HashAlgorithm::sha256, bytes));
  EXPECT_FALSE(Digest::from_bytes(HashAlgorithm::sha512, std::span(bytes).first(32)));
  EXPECT_FALSE(Digest::from_bytes(HashAlgorithm::sha256, {}));
}

TEST(Digest, ComparesAlgorithmAndEveryByte) {
  const Digest zero;
  const std::array<unsigned char, 64> bytes{};
  EXPECT_EQ(zero, Digest::from_bytes(HashAlgorithm::sha256, std::span(bytes).first(32)).value());
  EXPECT_NE(zero, Digest::from_bytes(HashAlgorithm::sha512, bytes).value());
  for (std::size_t i = 0; i < 32; ++i) {
    std::array<unsigned char, 32> other{};
    other[i] = 1;
    EXPECT_NE(zero, Digest::from_bytes(HashAlgorithm::sha256, other).value()) << i;
  }
}

}  // namespace
}  // namespace cfs
