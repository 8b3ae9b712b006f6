// SPDX-License-Identifier: Apache-2.0
#include "cfs/keys/keypair.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <random>

#include "cfs/base/fd.hpp"
#include "cfs/base/text.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::array algorithms{KeyAlgorithm::ed25519, KeyAlgorithm::ecdsa_p256_sha256,
                                KeyAlgorithm::ecdsa_p384_sha384};

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// OpenSSL's opinion of a signature, by the public key's DER alone.
bool openssl_verify(const Keypair& pair, std::string_view message, std::span<const unsigned char> signature) {
  const std::string& der = pair.public_der();
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())), EVP_PKEY_free);
  const EVP_MD* hash = pair.public_key().algorithm == KeyAlgorithm::ed25519             ? nullptr
                       : pair.public_key().algorithm == KeyAlgorithm::ecdsa_p256_sha256 ? EVP_sha256()
                                                                                        : EVP_sha384();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool valid =
      EVP_DigestVerifyInit(context, nullptr, hash, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context, signature.data(), signature.size(),
                       reinterpret_cast<const unsigned char*>(message.data()), message.size()) == 1;
  EVP_MD_CTX_free(context);
  return valid;
}

std::string pem_of(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr, std::string passphrase = {}) {
  BIO* memory = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(memory, key, cipher, passphrase.data(),
                                          static_cast<int>(passphrase.size()), nullptr, nullptr),
            1);
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory, &text));
  std::string pem(text, size);
  BIO_free(memory);
  return pem;
}

class Keypairs : public testing::TestWithParam<KeyAlgorithm> {};
INSTANTIATE_TEST_SUITE_P(Algorithms, Keypairs, testing::ValuesIn(algorithms));

TEST_P(Keypairs, RoundTripThroughPem) {
  const auto pair = Keypair::generate(GetParam());
  ASSERT_TRUE(pair) << pair.error().what();
  EXPECT_EQ(pair->public_key().algorithm, GetParam());
  const auto pem = pair->private_pem();
  ASSERT_TRUE(pem);
  EXPECT_TRUE(pem->starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto again = Keypair::parse(*pem);
  ASSERT_TRUE(again) << again.error().what();
  EXPECT_EQ(again->public_der(), pair->public_der());
  EXPECT_EQ(again->public_key().id, pair->public_key().id);
  EXPECT_EQ(PublicKey::parse(pair->public_der())->id, pair->public_key().id);
}

TEST_P(Keypairs, EachIsNew) {
  EXPECT_NE(Keypair::generate(GetParam())->public_key().id, Keypair::generate(GetParam())->public_key().id);
}

// nettle and OpenSSL must agree: on what is valid, and on every damaged variant of it.
TEST_P(Keypairs, NettleAgreesWithOpenssl) {
  std::mt19937 random(20261124);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same damage in every run
  for (int key = 0; key < 8; ++key) {
    const auto pair = Keypair::generate(GetParam()).value();
    for (int i = 0; i < 40; ++i) {
      std::string message(random() % 300, '\0');
      for (char& c : message) {
        c = static_cast<char>(random());
      }
      const auto signature = pair.sign(message);
      ASSERT_TRUE(signature) << signature.error().what();
      ASSERT_TRUE(verify(pair.public_key(), message, *signature));
      ASSERT_TRUE(openssl_verify(pair, message, *signature));
      for (int damage = 0; damage < 6; ++damage) {
        auto damaged = *signature;
        switch (damage) {
          case 0:
            damaged[random() % damaged.size()] ^= static_cast<unsigned char>(1U << random() % 8);
            break;
          case 1:
            damaged.resize(random() % damaged.size());
            break;
          case 2:
            damaged.push_back(static_cast<unsigned char>(random()));
            break;
          case 3:
            damaged.insert(damaged.begin() + static_cast<long>(random() % damaged.size()), 0);
            break;
          case 4:
            damaged[random() % 6] = static_cast<unsigned char>(random());
            break;
          default:
            std::fill(damaged.begin() + static_cast<long>(random() % damaged.size()), damaged.end(), 0);
        }
        EXPECT_EQ(verify(pair.public_key(), message, damaged), openssl_verify(pair, message, damaged))
            << to_hex(damaged);
      }
    }
  }
}

TEST_P(Keypairs, SignatureOfAnotherKeyIsRefused) {
  const auto pair = Keypair::generate(GetParam()).value();
  for (const KeyAlgorithm algorithm : algorithms) {
    const auto other = Keypair::generate(algorithm).value();
    EXPECT_FALSE(verify(pair.public_key(), "m", other.sign("m").value()));
  }
}

TEST_P(Keypairs, EncryptedKeyWithoutATerminalIsAClearError) {
  if (Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY))) {
    GTEST_SKIP() << "there is a terminal that would be asked";
  }
  const auto pem = Keypair::generate(GetParam())->private_pem().value();
  BIO* source = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  const Key key(PEM_read_bio_PrivateKey(source, nullptr, nullptr, nullptr), EVP_PKEY_free);
  BIO_free(source);
  const auto pair = Keypair::parse(pem_of(key.get(), EVP_aes_256_cbc(), "secret"));
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().code(), Code::key_malformed);
  EXPECT_NE(pair.error().what().find("passphrase"), std::string::npos);
}

TEST(Keypair, OtherAlgorithmsAreRefused) {
  const Key rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}), EVP_PKEY_free);
  const Key curve(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521"), EVP_PKEY_free);
  const Key agreement(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), EVP_PKEY_free);
  const Key edwards(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"), EVP_PKEY_free);
  for (EVP_PKEY* key : {rsa.get(), curve.get(), agreement.get(), edwards.get()}) {
    EXPECT_EQ(Keypair::parse(pem_of(key)).error().code(), Code::key_malformed);
  }
}

// openssl genpkey -algorithm EC writes the short form; `openssl ecparam -genkey` the older SEC 1 one.
TEST(Keypair, OlderPemFormsAreRead) {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free);
  BIO* memory = BIO_new(BIO_s_mem());
  ASSERT_EQ(PEM_write_bio_PrivateKey_traditional(memory, key.get(), nullptr, nullptr, 0, nullptr, nullptr),
            1);
  char* text = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory, &text));
  const auto pair = Keypair::parse({text, size});
  BIO_free(memory);
  ASSERT_TRUE(pair) << pair.error().what();
  EXPECT_TRUE(verify(pair->public_key(), "m", pair->sign("m").value()));
}

TEST(Keypair, JunkIsRefused) {
  const auto pair = Keypair::generate(KeyAlgorithm::ed25519).value();
  const auto pem = pair.private_pem().value();
  for (const std::string& text :
       {std::string(), std::string("junk"), pem.substr(0, pem.size() / 2), pair.public_der(),
        std::string("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")}) {
    EXPECT_EQ(Keypair::parse(text).error().code(), Code::key_malformed);
  }
}

TEST(Keypair, LoadsAFileAndNamesItInErrors) {
  const TempDirectory directory;
  const auto pair = Keypair::generate(KeyAlgorithm::ed25519).value();
  directory.write("a.key", pair.private_pem().value());
  EXPECT_EQ(Keypair::load(directory.path("a.key"))->public_key().id, pair.public_key().id);
  EXPECT_EQ(Keypair::load(directory.path("absent")).error().code(), Code::not_found);
  directory.write("b.key", "junk");
  const auto bad = Keypair::load(directory.path("b.key"));
  EXPECT_EQ(bad.error().code(), Code::key_malformed);
  EXPECT_NE(bad.error().what().find("b.key"), std::string::npos);
  directory.write("c.key", std::string(70000, 'x'));
  EXPECT_EQ(Keypair::load(directory.path("c.key")).error().code(), Code::key_malformed);
}

}  // namespace
}  // namespace cfs
