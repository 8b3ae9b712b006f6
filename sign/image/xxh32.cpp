// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/xxh32.hpp"

#include <array>
#include <bit>

namespace cfs {

namespace {

constexpr std::uint32_t prime1 = 0x9E3779B1;
constexpr std::uint32_t prime2 = 0x85EBCA77;
constexpr std::uint32_t prime3 = 0xC2B2AE3D;
constexpr std::uint32_t prime4 = 0x27D4EB2F;
constexpr std::uint32_t prime5 = 0x165667B1;

std::uint32_t byte_at(std::string_view bytes, std::size_t at) noexcept {
  return static_cast<unsigned char>(bytes[at]);
}

std::uint32_t word_at(std::string_view bytes, std::size_t at) noexcept {
  return byte_at(bytes, at) | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2) << 16 |
         byte_at(bytes, at + 3) << 24;
}

}  // namespace

std::uint32_t xxh32(std::string_view bytes, std::uint32_t seed) noexcept {
  std::uint32_t hash = seed + prime5;
  std::size_t at = 0;
  if (bytes.size() >= 16) {
    std::array<std::uint32_t, 4> lanes{seed + prime1 + prime2, seed + prime2, seed, seed - prime1};
    for (; at + 16 <= bytes.size(); at += 16) {
      for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
        lanes[lane] = std::rotl(lanes[lane] + word_at(bytes, at + 4 * lane) * prime2, 13) * prime1;
      }
    }
    hash =
        std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  }
  hash += static_cast<std::uint32_t>(bytes.size());
  for (; at + 4 <= bytes.size(); at += 4) {
    hash = std::rotl(hash + word_at(bytes, at) * prime3, 17) * prime4;
  }
  for (; at < bytes.size(); ++at) {
    hash = std::rotl(hash + byte_at(bytes, at) * prime5, 11) * prime1;
  }
  hash = (hash ^ hash >> 15) * prime2;
  hash = (hash ^ hash >> 13) * prime3;
  return hash ^ hash >> 16;
}

}  // namespace cfs
