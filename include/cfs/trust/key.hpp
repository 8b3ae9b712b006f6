// SPDX-License-Identifier: Apache-2.0
// Public keys, as the device holds them: DER SubjectPublicKeyInfo (RFC 5280, 8410, 5480), one a file, in
// /etc/composefs-root/keys/*.pub. Only the three forms below are read, each a constant prefix and the raw
// key: there is no ASN.1 parser in the trusted path.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

enum class KeyAlgorithm : std::uint8_t { ed25519, ecdsa_p256_sha256, ecdsa_p384_sha384 };

// As signature files write it: "ed25519", "ecdsa-p256-sha256", "ecdsa-p384-sha384".
[[nodiscard]] std::string_view name(KeyAlgorithm algorithm) noexcept;

struct PublicKey {
  KeyAlgorithm algorithm = KeyAlgorithm::ed25519;
  std::vector<unsigned char> raw;  // Ed25519: 32 bytes; ECDSA: X and Y, big-endian, 32 or 48 bytes each
  std::string id;                  // SHA-256 of the whole SubjectPublicKeyInfo, 64 lower-case hex digits

  // Code::key_malformed; a PEM file is recognised, and the message says how to convert it.
  [[nodiscard]] static Result<PublicKey> parse(std::string_view der);
};

// What people get to see of a key id: its first 16 digits.
[[nodiscard]] std::string_view short_key_id(std::string_view id) noexcept;

// Every *.pub in the directory, in order of key id. Any of them unreadable is an error, and so are a key
// twice, and one that is no regular file directly in the directory: a link, or a file that another is mounted
// over. Code::key_malformed, Code::key_missing (no directory, or no key in it).
[[nodiscard]] Result<std::vector<PublicKey>> load_keys(const std::string& directory);

// The same for an open directory, which may be open with O_PATH only; errors call it `name`.
[[nodiscard]] Result<std::vector<PublicKey>> load_keys(const Fd& directory, const std::string& name);

// The one door to signature verification (nettle). True only when `signature` is valid for exactly these
// message bytes: Ed25519 (RFC 8032, 64 bytes) or ECDSA (DER Ecdsa-Sig-Value, strict encoding, r and s in
// range) over the key's curve and hash. Anything malformed is false.
[[nodiscard]] bool verify(const PublicKey& key, std::string_view message,
                          std::span<const unsigned char> signature);

}  // namespace cfs
