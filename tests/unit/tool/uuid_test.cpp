// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/uuid.hpp"

#include <gtest/gtest.h>

#include "cfs/base/text.hpp"

namespace cfs {
namespace {

TEST(Uuid, TextHasTheBytesInOrder) {
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(0x10 * i + i);
  }
  EXPECT_EQ(uuid.text(), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(Uuid, Sha256IsThatOfFips180) {
  const auto hash = sha256("abc");
  ASSERT_TRUE(hash);
  EXPECT_EQ(to_hex({reinterpret_cast<const unsigned char*>(hash->data()), hash->size()}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Uuid, FollowsFromContentAndPurpose) {
  const auto uuid = derive_uuid("content", "purpose");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(*uuid, derive_uuid("content", "purpose").value());
  EXPECT_NE(*uuid, derive_uuid("content", "another").value());
  EXPECT_NE(*uuid, derive_uuid("another", "purpose").value());
}

TEST(Uuid, IsOfVersion8) {
  const std::string text = derive_uuid("content", "purpose").value().text();
  EXPECT_EQ(text[14], '8');
  EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos) << text;
}

}  // namespace
}  // namespace cfs
