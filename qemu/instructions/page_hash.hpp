// SPDX-License-Identifier: Apache-2.0
// A name for the contents of a page of code, by which the plugin tells whose code it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cfs::instructions {

inline constexpr std::size_t page_size = 4096;

// FNV-1a over the 64-bit words of a page, never 0. Not made against an adversary: programs are known here.
[[nodiscard]] inline std::uint64_t page_hash(const void* page) noexcept {
  constexpr std::uint64_t prime = 0x100000001b3;
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < page_size; i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, static_cast<const unsigned char*>(page) + i, sizeof word);
    hash = (hash ^ word) * prime;
    hash ^= hash >> 29;  // an FNV multiplication carries nothing downwards
  }
  return hash == 0 ? 1 : hash;
}

}  // namespace cfs::instructions
