// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of two messages at a time, with the SHA extensions of x86 processors.
#pragma once

#include <array>
#include <cstddef>

namespace cfs {

// Whether this processor can.
[[nodiscard]] bool has_sha256_pair() noexcept;

// Needs has_sha256_pair(). Hashes the `size` bytes, a multiple of 64, at each of `messages` into 32 bytes at
// each of `hashes`.
void sha256_pair(const std::array<const char*, 2>& messages, std::size_t size,
                 const std::array<char*, 2>& hashes) noexcept;

}  // namespace cfs
