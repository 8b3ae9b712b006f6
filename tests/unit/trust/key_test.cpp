// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/key.hpp"

#include <gtest/gtest.h>

#include "unit/key_numbers.hpp"
#include "unit/signer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(Key, IdIsTheSha256OfTheFile) {
  // printf '302a300506032b6570032100d75a…511a' | xxd -r -p | sha256sum
  const auto key =
      PublicKey::parse(ed25519_der("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id, "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9");
  EXPECT_EQ(short_key_id(key->id), "06e3fd8fda29bb60");
  EXPECT_EQ(name(key->algorithm), "ed25519");
}

TEST(Key, OtherFilesAreRefused) {
  const std::string der = Signer(1).der();
  for (const std::string& text : {std::string(), der.substr(1), der.substr(0, der.size() - 1), der + "\n",
                                  "\n" + der, std::string(44, '\0'), std::string("ssh-ed25519 AAAA")}) {
    EXPECT_EQ(PublicKey::parse(text).error().code(), Code::key_malformed);
  }
  for (std::size_t i = 0; i < 12; ++i) {
    std::string changed = der;
    changed[i] = static_cast<char>(changed[i] + 1);
    EXPECT_FALSE(PublicKey::parse(changed)) << i;
  }
  const auto pem =
      PublicKey::parse("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n");
  EXPECT_NE(pem.error().what().find("openssl pkey"), std::string::npos);
}

TEST(LoadKeys, ReadsEveryPubInOrderOfId) {
  const TempDirectory directory;
  for (unsigned char seed = 1; seed <= 5; ++seed) {
    directory.write(cat("key", static_cast<unsigned>(seed), ".pub"), Signer(seed).der());
  }
  directory.write("README", "not a key");
  directory.write("key1.key", "not a public key");
  const auto keys = load_keys(directory.path());
  ASSERT_TRUE(keys) << keys.error().what();
  ASSERT_EQ(keys->size(), 5U);
  for (std::size_t i = 1; i < keys->size(); ++i) {
    EXPECT_LT((*keys)[i - 1].id, (*keys)[i].id);
  }
}

TEST(LoadKeys, NoneIsAnError) {
  const TempDirectory directory;
  EXPECT_EQ(load_keys(directory.path()).error().code(), Code::key_missing);
  EXPECT_EQ(load_keys(directory.path("absent")).error().code(), Code::key_missing);
  directory.write("file", "x");
  EXPECT_EQ(load_keys(directory.path("file")).error().code(), Code::key_missing);
}

TEST(LoadKeys, OneBadFileIsAnErrorThatNamesIt) {
  const TempDirectory directory;
  directory.write("good.pub", Signer(1).der());
  directory.write("bad.pub", "junk");
  auto keys = load_keys(directory.path());
  EXPECT_EQ(keys.error().code(), Code::key_malformed);
  EXPECT_NE(keys.error().what().find("bad.pub"), std::string::npos);
  directory.write("bad.pub", std::string(5000, 'x'));
  EXPECT_EQ(load_keys(directory.path()).error().code(), Code::key_malformed);
  directory.write("bad.pub", Signer(1).der());
  keys = load_keys(directory.path());
  EXPECT_EQ(keys.error().code(), Code::key_malformed);
  EXPECT_NE(keys.error().what().find("twice"), std::string::npos);
  std::filesystem::remove(directory.path("bad.pub"));
  std::filesystem::create_directory(directory.path("bad.pub"));
  EXPECT_EQ(load_keys(directory.path()).error().code(), Code::key_malformed);
  std::filesystem::remove(directory.path("bad.pub"));
  for (const char* target : {"nowhere", "good.pub"}) {
    directory.link("bad.pub", target);
    EXPECT_EQ(load_keys(directory.path()).error().code(), Code::key_malformed);
    std::filesystem::remove(directory.path("bad.pub"));
  }
}

}  // namespace
}  // namespace cfs
