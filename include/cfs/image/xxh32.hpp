// SPDX-License-Identifier: Apache-2.0
// The non-cryptographic hash XXH32 (xxHash specification 0.1.1), which EROFS uses for its filters of
// attribute names.
#pragma once

#include <cstdint>
#include <string_view>

namespace cfs {

[[nodiscard]] std::uint32_t xxh32(std::string_view bytes, std::uint32_t seed) noexcept;

}  // namespace cfs
