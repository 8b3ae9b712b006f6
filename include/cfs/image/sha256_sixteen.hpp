// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of sixteen messages at a time, with AVX-512.
#pragma once

#include <cstddef>

namespace cfs {

// Whether this processor has what it takes, and the system lets it be used.
[[nodiscard]] bool has_sha256_sixteen() noexcept;

// Needs has_sha256_sixteen(). Hashes sixteen messages of `size` bytes, a multiple of 64, that lie one after
// the other at `messages`, into 16 x 32 bytes at `hashes`.
void sha256_sixteen(const char* messages, std::size_t size, char* hashes) noexcept;

}  // namespace cfs
