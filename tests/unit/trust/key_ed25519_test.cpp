// SPDX-License-Identifier: Apache-2.0
// Signatures by Ed25519 (RFC 8032).
#include <gmp.h>
#include <gtest/gtest.h>
#include <nettle/sha2.h>

#include "cfs/trust/key.hpp"
#include "unit/key_numbers.hpp"
#include "unit/signer.hpp"

namespace cfs {
namespace {

const std::string_view ed25519_order = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

TEST(Ed25519, Rfc8032Vectors) {
  struct Vector {
    std::string_view key, message, signature;
  };
  const Vector vectors[]{
      {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf"
       "5f0595bbe"
       "24655141438e7a100b"},
      {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2"
       "eaeb4302a"
       "eeb00d291612bb0c00"},
      {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c1"
       "5e9716ed2"
       "8dc027beceea1ec40a"},
  };
  for (const Vector& vector : vectors) {
    const auto key = PublicKey::parse(ed25519_der(vector.key));
    ASSERT_TRUE(key) << key.error().what();
    EXPECT_TRUE(verify(*key, text_of(bytes_of(vector.message)), bytes_of(vector.signature)));
    EXPECT_FALSE(verify(*key, text_of(bytes_of(vector.message)) + "x", bytes_of(vector.signature)));
  }
}

TEST(Ed25519, EveryFlippedBitIsRefused) {
  const Signer signer(1);
  const std::string message = "a message of some bytes";
  const Bytes signature = signer.sign(message);
  ASSERT_TRUE(verify(signer.key, message, signature));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    Bytes flipped = signature;
    flipped[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    EXPECT_FALSE(verify(signer.key, message, flipped)) << bit;
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    std::string flipped = message;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(verify(signer.key, flipped, signature)) << bit;
  }
  for (std::size_t bit = 0; bit < signer.key.raw.size() * 8; ++bit) {
    PublicKey flipped = signer.key;
    flipped.raw[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    EXPECT_FALSE(verify(flipped, message, signature)) << bit;
  }
}

TEST(Ed25519, OtherLengthsAreRefused) {
  const Signer signer(1);
  const Bytes signature = signer.sign("m");
  for (std::size_t size = 0; size < signature.size(); ++size) {
    EXPECT_FALSE(verify(signer.key, "m", std::span(signature).first(size))) << size;
  }
  Bytes longer = signature;
  longer.push_back(0);
  EXPECT_FALSE(verify(signer.key, "m", longer));
}

// S and S + L are the same scalar: RFC 8032 takes only the smaller, or anyone could make a second signature.
TEST(Ed25519, UnreducedScalarIsRefused) {
  const Signer signer(2);
  for (int i = 0; i < 50; ++i) {
    const std::string message = cat("message ", i);
    Bytes signature = signer.sign(message);
    ASSERT_TRUE(verify(signer.key, message, signature));
    Number s("0");
    const Number order(ed25519_order);
    for (int multiple = 1; multiple <= 8; ++multiple) {
      s.set(std::span(signature).subspan(32), -1);
      mpz_addmul_ui(s.value, order.value, static_cast<unsigned long>(multiple));
      const Bytes larger = s.get(-1, 32);
      Bytes forged(signature.begin(), signature.begin() + 32);
      forged.insert(forged.end(), larger.begin(), larger.end());
      EXPECT_FALSE(verify(signer.key, message, forged)) << i << " " << multiple;
    }
  }
}

// A signer can choose R = identity, which gives S = k * a. Only the shortest encoding of a point may count:
// the hash is over the encoding, so a lenient decoder would accept a second signature.
TEST(Ed25519, EncodingsOfRAboveThePrimeAreRefused) {
  const Signer signer(3);
  Bytes secret(32, 3);
  sha512_ctx context;
  Bytes hash(64);
  sha512_init(&context);
  sha512_update(&context, secret.size(), secret.data());
  sha512_digest(&context, hash.size(), hash.data());
  hash[0] &= 0xf8;
  hash[31] = static_cast<unsigned char>((hash[31] & 0x7f) | 0x40);
  Number scalar("0");
  scalar.set(std::span(hash).first(32), -1);
  const std::string message = "m";
  const auto sign_with = [&](const Bytes& r) {
    sha512_init(&context);
    sha512_update(&context, r.size(), r.data());
    sha512_update(&context, signer.key.raw.size(), signer.key.raw.data());
    sha512_update(&context, message.size(), reinterpret_cast<const unsigned char*>(message.data()));
    Bytes digest(64);
    sha512_digest(&context, digest.size(), digest.data());
    Number k("0");
    k.set(digest, -1);
    const Number order(ed25519_order);
    mpz_mul(k.value, k.value, scalar.value);
    mpz_mod(k.value, k.value, order.value);
    const Bytes s = k.get(-1, 32);
    Bytes signature = r;
    signature.insert(signature.end(), s.begin(), s.end());
    return signature;
  };
  const Bytes identity = bytes_of("0100000000000000000000000000000000000000000000000000000000000000");
  EXPECT_TRUE(verify(signer.key, message, sign_with(identity)));
  const Bytes above = bytes_of("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
  EXPECT_FALSE(verify(signer.key, message, sign_with(above)));
  const Bytes negative = bytes_of("0100000000000000000000000000000000000000000000000000000000000080");
  EXPECT_FALSE(verify(signer.key, message, sign_with(negative)));
}

TEST(Ed25519, KeysOfSmallOrderAreRefused) {
  for (const std::string_view y : {"0000000000000000000000000000000000000000000000000000000000000000",
                                   "0100000000000000000000000000000000000000000000000000000000000000",
                                   "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                   "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                   "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                   "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                   "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    Bytes raw = bytes_of(y);
    EXPECT_EQ(PublicKey::parse(ed25519_der(to_hex(raw))).error().code(), Code::key_malformed) << y;
    raw.back() |= 0x80;
    EXPECT_EQ(PublicKey::parse(ed25519_der(to_hex(raw))).error().code(), Code::key_malformed) << y;
  }
}

}  // namespace
}  // namespace cfs
