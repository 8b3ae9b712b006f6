// SPDX-License-Identifier: Apache-2.0
// An Ed25519 signer on nettle, for tests of what is signed; the real one, on OpenSSL, has tests of its own.
#pragma once

#include <nettle/eddsa.h>

#include <array>
#include <string>
#include <string_view>

#include "cfs/base/text.hpp"
#include "cfs/trust/key.hpp"
#include "cfs/trust/signature.hpp"

namespace cfs {

class Signer {
 public:
  // The same seed gives the same key.
  explicit Signer(unsigned char seed) {
    secret_.fill(seed);
    ed25519_sha512_public_key(public_.data(), secret_.data());
    key = PublicKey::parse(der()).value();
  }

  [[nodiscard]] std::string der() const {
    std::string der("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
    // As a range of bytes of another type, GCC 12 takes it for one that may overlap `der` (-Wrestrict).
    der.append(reinterpret_cast<const char*>(public_.data()), public_.size());
    return der;
  }

  [[nodiscard]] std::vector<unsigned char> sign(std::string_view message) const {
    std::vector<unsigned char> signature(ED25519_SIGNATURE_SIZE);
    ed25519_sha512_sign(public_.data(), secret_.data(), message.size(),
                        reinterpret_cast<const unsigned char*>(message.data()), signature.data());
    return signature;
  }

  // A line of a signature file for a manifest.
  [[nodiscard]] std::string line(std::string_view bytes,
                                 std::string_view prefix = manifest_signature_prefix) const {
    return format_signature({key.id, std::string(name(key.algorithm)), sign(cat(prefix, bytes))});
  }

  PublicKey key;

 private:
  std::array<unsigned char, ED25519_KEY_SIZE> secret_{};
  std::array<unsigned char, ED25519_KEY_SIZE> public_{};
};

}  // namespace cfs
