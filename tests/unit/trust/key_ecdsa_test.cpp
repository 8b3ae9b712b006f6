// SPDX-License-Identifier: Apache-2.0
// Signatures by ECDSA, P-256 and P-384, in DER.
#include <gmp.h>
#include <gtest/gtest.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/knuth-lfib.h>
#include <nettle/sha2.h>

#include "cfs/trust/key.hpp"
#include "unit/key_numbers.hpp"
#include "unit/signer.hpp"

namespace cfs {
namespace {

struct Curve {
  KeyAlgorithm algorithm;
  const ecc_curve* curve;
  std::string_view prefix;
  std::size_t size;  // of a coordinate
  std::string_view order;
};

const Curve& p256() {
  static const Curve curve{KeyAlgorithm::ecdsa_p256_sha256, nettle_get_secp_256r1(),
                           "3059301306072a8648ce3d020106082a8648ce3d03010703420004", 32,
                           "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"};
  return curve;
}

const Curve& p384() {
  static const Curve curve{
      KeyAlgorithm::ecdsa_p384_sha384, nettle_get_secp_384r1(),
      "3076301006072a8648ce3d020106052b8104002203620004", 48,
      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973"};
  return curve;
}

// An ECDSA signer on nettle that gives r and s away.
class EcdsaSigner {
 public:
  explicit EcdsaSigner(const Curve& curve) : curve_(curve) {
    knuth_lfib_init(&random_, 42);
    ecc_point_init(&point_, curve.curve);
    ecc_scalar_init(&secret_, curve.curve);
    ecdsa_generate_keypair(&point_, &secret_, &random_, random_bytes);
    Number x("0");
    Number y("0");
    ecc_point_get(&point_, x.value, y.value);
    der = cat(text_of(bytes_of(curve.prefix)), text_of(x.get(1, curve.size)), text_of(y.get(1, curve.size)));
    key = PublicKey::parse(der).value();
  }
  EcdsaSigner(const EcdsaSigner&) = delete;
  EcdsaSigner& operator=(const EcdsaSigner&) = delete;
  ~EcdsaSigner() {
    ecc_point_clear(&point_);
    ecc_scalar_clear(&secret_);
  }

  void sign(std::string_view message, Number& r, Number& s) {
    Bytes digest;
    const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
    if (curve_.size == 32) {
      digest.resize(SHA256_DIGEST_SIZE);
      sha256_ctx context;
      sha256_init(&context);
      sha256_update(&context, message.size(), bytes);
      sha256_digest(&context, digest.size(), digest.data());
    } else {
      digest.resize(SHA384_DIGEST_SIZE);
      sha384_ctx context;
      sha384_init(&context);
      sha384_update(&context, message.size(), bytes);
      sha384_digest(&context, digest.size(), digest.data());
    }
    dsa_signature signature;
    dsa_signature_init(&signature);
    ecdsa_sign(&secret_, &random_, random_bytes, digest.size(), digest.data(), &signature);
    mpz_set(r.value, signature.r);
    mpz_set(s.value, signature.s);
    dsa_signature_clear(&signature);
  }

  std::string der;
  PublicKey key;

 private:
  static void random_bytes(void* context, std::size_t size, std::uint8_t* bytes) {
    knuth_lfib_random(static_cast<knuth_lfib_ctx*>(context), size, bytes);
  }
  const Curve& curve_;
  knuth_lfib_ctx random_{};
  ecc_point point_{};
  ecc_scalar secret_{};
};

// The contents of a DER INTEGER for a number that is not negative.
Bytes integer_contents(const Number& number) {
  const std::size_t size = mpz_sizeinbase(number.value, 2) / 8 + 1;
  return mpz_sgn(number.value) == 0 ? Bytes{0} : number.get(1, size);
}

Bytes encode(Bytes r, Bytes s) {
  Bytes der{0x30, static_cast<unsigned char>(r.size() + s.size() + 4), 0x02,
            static_cast<unsigned char>(r.size())};
  der.insert(der.end(), r.begin(), r.end());
  der.push_back(0x02);
  der.push_back(static_cast<unsigned char>(s.size()));
  der.insert(der.end(), s.begin(), s.end());
  return der;
}

class Ecdsa : public testing::TestWithParam<const Curve* (*)()> {
 protected:
  [[nodiscard]] static const Curve& curve() { return *GetParam()(); }
};

INSTANTIATE_TEST_SUITE_P(Curves, Ecdsa, testing::Values([] { return &p256(); }, [] { return &p384(); }));

TEST_P(Ecdsa, ManySignaturesVerifyAndFlippedOnesDoNot) {
  EcdsaSigner signer(curve());
  Number r("0");
  Number s("0");
  for (int i = 0; i < 40; ++i) {
    const std::string message = cat("message ", i);
    signer.sign(message, r, s);
    const Bytes signature = encode(integer_contents(r), integer_contents(s));
    ASSERT_TRUE(verify(signer.key, message, signature)) << i;
    EXPECT_FALSE(verify(signer.key, message + "x", signature)) << i;
    const auto bit = static_cast<std::size_t>(i) * 37 % (signature.size() * 8);
    Bytes flipped = signature;
    flipped[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    EXPECT_FALSE(verify(signer.key, message, flipped)) << i << " bit " << bit;
    EXPECT_FALSE(verify(signer.key, message, std::span(signature).first(static_cast<std::size_t>(i)))) << i;
  }
}

TEST_P(Ecdsa, OnlyTheStrictEncodingIsTaken) {
  EcdsaSigner signer(curve());
  Number r("0");
  Number s("0");
  signer.sign("m", r, s);
  const Bytes good_r = integer_contents(r);
  const Bytes good_s = integer_contents(s);
  const Bytes good = encode(good_r, good_s);
  const auto refused = [&](const Bytes& signature) { return !verify(signer.key, "m", signature); };
  ASSERT_FALSE(refused(good));

  Bytes padded = good_r;
  padded.insert(padded.begin(), 0);
  EXPECT_TRUE(refused(encode(padded, good_s)));
  padded = good_s;
  padded.insert(padded.begin(), 0);
  EXPECT_TRUE(refused(encode(good_r, padded)));

  Bytes trailing = good;
  trailing.push_back(0);
  EXPECT_TRUE(refused(trailing));  // after the sequence
  trailing[1] = static_cast<unsigned char>(trailing[1] + 1);
  EXPECT_TRUE(refused(trailing));  // in it

  Bytes long_length = good;
  long_length.insert(long_length.begin() + 1, 0x81);
  EXPECT_TRUE(refused(long_length));  // BER, not DER

  Bytes indefinite = good;
  indefinite[1] = 0x80;
  indefinite.insert(indefinite.end(), {0, 0});
  EXPECT_TRUE(refused(indefinite));

  Bytes tag = good;
  tag[0] = 0x31;
  EXPECT_TRUE(refused(tag));
  tag = good;
  tag[2] = 0x03;
  EXPECT_TRUE(refused(tag));

  EXPECT_TRUE(refused(encode({}, good_s)));
  EXPECT_TRUE(refused(encode(good_r, {})));
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({0x30}));
  EXPECT_TRUE(refused({0x30, 0}));
  EXPECT_TRUE(refused({0x30, 2, 0x02, 0x7f}));
  EXPECT_TRUE(refused(Bytes(200, 0xff)));
}

TEST_P(Ecdsa, NegativeIntegersAreRefused) {
  EcdsaSigner signer(curve());
  Number r("0");
  Number s("0");
  bool tried = false;
  for (int i = 0; i < 40; ++i) {
    const std::string message = cat("message ", i);
    signer.sign(message, r, s);
    Bytes without_sign = integer_contents(r);
    if (without_sign.front() == 0) {  // the same digits without the zero that makes them positive
      without_sign.erase(without_sign.begin());
      EXPECT_FALSE(verify(signer.key, message, encode(without_sign, integer_contents(s))));
      tried = true;
    }
  }
  EXPECT_TRUE(tried);
}

TEST_P(Ecdsa, IntegersOutOfRangeAreRefused) {
  EcdsaSigner signer(curve());
  Number r("0");
  Number s("0");
  signer.sign("m", r, s);
  const Number zero("0");
  const Number order(curve().order);
  const auto refused = [&](const Number& a, const Number& b) {
    return !verify(signer.key, "m", encode(integer_contents(a), integer_contents(b)));
  };
  EXPECT_TRUE(refused(zero, s));
  EXPECT_TRUE(refused(r, zero));
  EXPECT_TRUE(refused(zero, zero));
  EXPECT_TRUE(refused(order, s));
  EXPECT_TRUE(refused(r, order));
  Number larger("0");
  mpz_add(larger.value, r.value, order.value);
  EXPECT_TRUE(refused(larger, s));
  mpz_add(larger.value, s.value, order.value);
  EXPECT_TRUE(refused(r, larger));
  mpz_ui_pow_ui(larger.value, 2, 900);
  EXPECT_TRUE(refused(larger, s));
  EXPECT_TRUE(refused(r, larger));
  // ECDSA itself is malleable: n - s is as valid as s. Signatures are counted by key, so nothing is won by
  // it.
  mpz_sub(larger.value, order.value, s.value);
  EXPECT_FALSE(refused(r, larger));
}

TEST_P(Ecdsa, PointsOffTheCurveAreRefused) {
  const EcdsaSigner signer(curve());
  const std::size_t start = curve().prefix.size() / 2;
  for (std::size_t i = start; i < signer.der.size(); i += 5) {
    std::string off = signer.der;
    off[i] = static_cast<char>(off[i] ^ 1);
    EXPECT_EQ(PublicKey::parse(off).error().code(), Code::key_malformed) << i;
  }
  EXPECT_FALSE(PublicKey::parse(signer.der.substr(0, start) + std::string(2 * curve().size, '\0')));
  EXPECT_FALSE(PublicKey::parse(signer.der.substr(0, start) + std::string(2 * curve().size, '\xff')));
  std::string compressed = signer.der;
  compressed[start - 1] = 2;
  EXPECT_FALSE(PublicKey::parse(compressed));
}

TEST(Key, SignaturesOfOtherAlgorithmsAreRefused) {
  EcdsaSigner small(p256());
  EcdsaSigner large(p384());
  const Signer edwards(1);
  Number r("0");
  Number s("0");
  small.sign("m", r, s);
  const Bytes by_small = encode(integer_contents(r), integer_contents(s));
  EXPECT_FALSE(verify(large.key, "m", by_small));
  EXPECT_FALSE(verify(edwards.key, "m", by_small));
  EXPECT_FALSE(verify(small.key, "m", edwards.sign("m")));
  PublicKey confused = small.key;
  confused.algorithm = KeyAlgorithm::ed25519;  // 64 bytes where 32 belong
  EXPECT_FALSE(verify(confused, "m", edwards.sign("m")));
  confused = edwards.key;
  confused.algorithm = KeyAlgorithm::ecdsa_p384_sha384;
  EXPECT_FALSE(verify(confused, "m", by_small));
}

}  // namespace
}  // namespace cfs
