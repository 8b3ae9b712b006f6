// SPDX-License-Identifier: Apache-2.0
// Numbers in on-disk formats, whatever the machine's own order of bytes and alignment.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>

namespace cfs {

// The little-endian number at `offset` of `bytes`, which must hold it whole.
template <std::unsigned_integral N>
[[nodiscard]] constexpr N little_endian(std::string_view bytes, std::size_t offset) {
  N number = 0;
  for (std::size_t i = sizeof(N); i-- > 0;) {
    number = static_cast<N>(number << 8 | static_cast<unsigned char>(bytes[offset + i]));
  }
  return number;
}

}  // namespace cfs
