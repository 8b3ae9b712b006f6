#include "cfs/key.hpp"

#include <gmp.h>
#include <gtest/gtest.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/knuth-lfib.h>
#include <nettle/sha2.h>

#include "cfs/text.hpp"
#include "signer.hpp"
#include "temp_directory.hpp"

namespace cfs {
namespace {

using Bytes = std::vector<unsigned char>;

std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

Bytes bytes_of(std::string_view hex) {
  return from_hex(hex).value_or(Bytes{});
}

std::string ed25519_der(std::string_view raw_hex) {
  return text_of(bytes_of(cat("302a300506032b6570032100", raw_hex)));
}

// GMP's integer for sums modulo a group's order.
struct Number {
  mpz_t value;
  explicit Number(std::string_view hex) { mpz_init_set_str(value, std::string(hex).c_str(), 16); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() { mpz_clear(value); }
  // Bytes in the order -1 (little-endian) or 1.
  void set(std::span<const unsigned char> bytes, int order) {
    mpz_import(value, bytes.size(), order, 1, 0, 0, bytes.data());
  }
  [[nodiscard]] Bytes get(int order, std::size_t size) const {
    Bytes bytes(size);
    std::size_t count = (mpz_sizeinbase(value, 2) + 7) / 8;
    EXPECT_LE(count, size);
    mpz_export(order < 0 ? bytes.data() : bytes.data() + size - count, &count, order, 1, 0, 0, value);
    return bytes;
  }
};

const std::string_view ed25519_order = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

// ---- Ed25519 ----

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

// ---- ECDSA ----

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

// ---- files ----

TEST(Key, IdIsTheSha256OfTheFile) {
  // printf '302a300506032b6570032100d75a…511a' | xxd -r -p | sha256sum
  const auto key =
      PublicKey::parse(ed25519_der("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id, "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9");
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
  directory.link("bad.pub", "nowhere");
  EXPECT_EQ(load_keys(directory.path()).error().code(), Code::key_malformed);
}

}  // namespace
}  // namespace cfs
