// SPDX-License-Identifier: Apache-2.0
#include "cfs/keys/keypair.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cfs/base/fd.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t key_file_max_bytes = 64UL * 1024;

template <auto function>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    function(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

// OpenSSL's own word for what went wrong last, and its error queue emptied.
tl::unexpected<Error> fail_openssl(Code code, std::string what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return fail(code, reason == nullptr ? std::move(what) : cat(what, ": ", reason));
}

// Asks on the controlling terminal, and nowhere else: OpenSSL's own prompt would read a passphrase from
// standard input. `asked` tells the caller that the key is encrypted.
int ask_passphrase(char* buffer, int size, int for_writing, void* asked) {
  *static_cast<bool*>(asked) = true;
  const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  return terminal ? PEM_def_callback(buffer, size, for_writing, nullptr) : -1;
}

// The hash that is signed; Ed25519 takes the message itself.
const EVP_MD* message_digest(KeyAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case KeyAlgorithm::ed25519:
      return nullptr;
    case KeyAlgorithm::ecdsa_p256_sha256:
      return EVP_sha256();
    case KeyAlgorithm::ecdsa_p384_sha384:
      return EVP_sha384();
  }
  return nullptr;
}

EVP_PKEY* generate_key(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::ed25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyAlgorithm::ecdsa_p256_sha256:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    case KeyAlgorithm::ecdsa_p384_sha384:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
  }
  return nullptr;
}

}  // namespace

Result<Keypair> Keypair::from_key(std::shared_ptr<evp_pkey_st> key) {
  Keypair pair(std::move(key));
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(pair.key_.get(), &der);
  if (size <= 0) {
    return fail_openssl(Code::key_malformed, "encode the public key");
  }
  pair.public_der_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  pair.public_key_ = CFS_TRY(PublicKey::parse(pair.public_der_));
  return pair;
}

Result<Keypair> Keypair::generate(KeyAlgorithm algorithm) {
  const std::shared_ptr<EVP_PKEY> key(generate_key(algorithm), EVP_PKEY_free);
  if (!key) {
    return fail_openssl(Code::io_error, cat("generate an ", name(algorithm), " key"));
  }
  return from_key(key);
}

Result<Keypair> Keypair::parse(std::string_view pem) {
  const Bio source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool asked = false;
  const std::shared_ptr<EVP_PKEY> key(
      source ? PEM_read_bio_PrivateKey(source.get(), nullptr, ask_passphrase, &asked) : nullptr,
      EVP_PKEY_free);
  if (!key) {
    ERR_clear_error();  // which says "unsupported" for whatever is not PEM
    return fail(
        Code::key_malformed,
        asked ? "the key is protected by a passphrase, and none was given on a terminal that fits"
              : "not a PEM private key",
        "name a private key, such as NAME.key of cfs-sign keygen, and give its passphrase if it has one");
  }
  return from_key(key);
}

Result<Keypair> Keypair::load(const std::string& path) {
  auto pem = read_file(path, key_file_max_bytes);
  if (!pem) {
    const Code code = pem.error().code() == Code::path_refused ? Code::key_malformed : pem.error().code();
    return fail(code, pem.error().what());
  }
  auto pair = parse(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  return CFS_TRY_IN(std::move(pair), printable(path));
}

Result<std::string> Keypair::private_pem() const {
  const Bio memory(BIO_new(BIO_s_secmem()));
  char* text = nullptr;
  if (!memory ||
      PEM_write_bio_PKCS8PrivateKey(memory.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail_openssl(Code::io_error, "encode the private key");
  }
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<std::vector<unsigned char>> Keypair::sign(std::string_view message) const {
  const MdContext context(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, message_digest(public_key_.algorithm), nullptr,
                         key_.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) != 1) {
    return fail_openssl(Code::io_error, "sign");
  }
  std::vector<unsigned char> signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, bytes, message.size()) != 1) {
    return fail_openssl(Code::io_error, "sign");
  }
  signature.resize(size);
  if (!verify(public_key_, message, signature)) {
    return fail(Code::io_error, "the signature just made is not valid: the private key may be damaged");
  }
  return signature;
}

}  // namespace cfs
