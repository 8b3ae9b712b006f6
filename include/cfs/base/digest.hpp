// SPDX-License-Identifier: Apache-2.0
// An fs-verity file digest: the algorithm and the bytes, compared whole.
//
// Written as "sha256:<64 hex digits>" or "sha512:<128 hex digits>". The numbers of the algorithms are
// FS_VERITY_HASH_ALG_* of linux/fsverity.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/base/words.hpp"

namespace cfs {

enum class HashAlgorithm : std::uint8_t { sha256 = 1, sha512 = 2 };
inline constexpr auto hash_words = std::to_array<Word<HashAlgorithm>>(
    {{HashAlgorithm::sha256, "sha256"}, {HashAlgorithm::sha512, "sha512"}});

// Bytes in a digest of this algorithm: 32 or 64.
[[nodiscard]] constexpr std::size_t digest_size(HashAlgorithm algorithm) noexcept {
  return algorithm == HashAlgorithm::sha256 ? 32 : 64;
}

class Digest {
 public:
  // All zeros; sha256.
  Digest() noexcept = default;

  // Needs exactly digest_size(algorithm) bytes; anything else is Code::unsupported_input.
  [[nodiscard]] static Result<Digest> from_bytes(HashAlgorithm algorithm,
                                                 std::span<const unsigned char> bytes);

  // Parses "ALGORITHM:HEX", lower case only. Code::unsupported_input.
  [[nodiscard]] static Result<Digest> parse(std::string_view text);

  [[nodiscard]] HashAlgorithm algorithm() const noexcept { return algorithm_; }
  [[nodiscard]] std::span<const unsigned char> bytes() const noexcept {
    return std::span(bytes_).first(digest_size(algorithm_));
  }

  // "sha256:<hex>"
  [[nodiscard]] std::string text() const;
  // "<hex>"
  [[nodiscard]] std::string hex() const;
  // "ab/cdef…": where the object lies below objects/.
  [[nodiscard]] std::string object_path() const;

  friend auto operator<=>(const Digest&, const Digest&) noexcept = default;

 private:
  HashAlgorithm algorithm_ = HashAlgorithm::sha256;
  std::array<unsigned char, 64> bytes_{};  // those past digest_size() are always zero
};

}  // namespace cfs
