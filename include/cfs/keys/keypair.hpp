// SPDX-License-Identifier: Apache-2.0
// Private keys: made, kept as PEM PKCS#8 files, and used to sign. OpenSSL 3.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/trust/key.hpp"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace cfs {

class Keypair {
 public:
  // A new key from the system's random numbers. Code::io_error when there are none to have.
  [[nodiscard]] static Result<Keypair> generate(KeyAlgorithm algorithm);

  // Reads the text of a PEM private key: PKCS#8, or the older forms that OpenSSL knows. When it is encrypted,
  // the passphrase is asked for on the terminal. Code::key_malformed when it is no such key, of another
  // algorithm, or there is no terminal to ask on.
  [[nodiscard]] static Result<Keypair> parse(std::string_view pem);

  // Reads a PEM file. Code::not_found, Code::io_error, Code::key_malformed.
  [[nodiscard]] static Result<Keypair> load(const std::string& path);

  // The public half, as a device reads it.
  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }
  // The same as a file: DER SubjectPublicKeyInfo.
  [[nodiscard]] const std::string& public_der() const noexcept { return public_der_; }

  // PEM PKCS#8, not encrypted. Code::io_error.
  [[nodiscard]] Result<std::string> private_pem() const;

  // A signature over the message that verify() accepts; it is checked before it is returned. Ed25519
  // signatures are always the same for a message, ECDSA signatures differ each time. Code::io_error.
  [[nodiscard]] Result<std::vector<unsigned char>> sign(std::string_view message) const;

 private:
  explicit Keypair(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  static Result<Keypair> from_key(std::shared_ptr<evp_pkey_st> key);

  std::shared_ptr<evp_pkey_st> key_;
  std::string public_der_;
  PublicKey public_key_;
};

}  // namespace cfs
