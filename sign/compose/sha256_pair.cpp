#include "cfs/sha256_pair.hpp"

#include <cstdint>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace cfs {

#if defined(__x86_64__)

namespace {

constexpr std::size_t lanes = 2;
constexpr std::size_t chunk_size = 64;

alignas(16) constexpr std::array<std::uint32_t, 64> round_constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state as the instructions want it: words a, b, e, f and c, d, g, h, the first in the highest place.
struct State {
  __m128i abef;
  __m128i cdgh;
};

// One chunk of each lane. Written for all lanes step by step, so that they wait for nothing of each other.
[[gnu::target("sha,sse4.1"), gnu::always_inline]] inline void add_chunk(
    std::array<State, lanes>& states, const std::array<const char*, lanes>& chunks) {
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  std::array<State, lanes> now = states;
  __m128i words[lanes]
               [4];  // the last 16 of the message schedule; an std::array would lose the type's alignment
#pragma GCC unroll 16
  for (std::size_t group = 0; group < 16; ++group) {  // of four rounds
    const std::size_t at = group % 4;
    const __m128i constants =
        _mm_load_si128(reinterpret_cast<const __m128i*>(round_constants.data() + 4 * group));
#pragma GCC unroll 2
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      auto& w = words[lane];
      if (group < 4) {
        const auto* const bytes = reinterpret_cast<const __m128i*>(chunks[lane] + 16 * group);
        w[at] = _mm_shuffle_epi8(_mm_loadu_si128(bytes), big_endian);
      } else {
        const __m128i newest = w[(at + 3) % 4];
        const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(w[at], w[(at + 1) % 4]),
                                              _mm_alignr_epi8(newest, w[(at + 2) % 4], 4));
        w[at] = _mm_sha256msg2_epu32(partial, newest);
      }
      const __m128i input = _mm_add_epi32(w[at], constants);
      State& s = now[lane];
      s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, input);
      s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(input, 0x0e));
    }
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    states[lane].abef = _mm_add_epi32(states[lane].abef, now[lane].abef);
    states[lane].cdgh = _mm_add_epi32(states[lane].cdgh, now[lane].cdgh);
  }
}

// The last chunk of a message whose size is a multiple of 64: the mark, zeros, and its size in bits.
std::array<char, chunk_size> padding(std::size_t size) {
  std::array<char, chunk_size> chunk{};
  chunk[0] = static_cast<char>(0x80);
  for (std::size_t i = 0; i < 8; ++i) {
    chunk[chunk_size - 1 - i] = static_cast<char>(static_cast<std::uint64_t>(size) * 8 >> (8 * i));
  }
  return chunk;
}

[[gnu::target("sha,sse4.1")]] void store(const State& state, char* hash) {
  const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  const __m128i feba = _mm_shuffle_epi32(state.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
  auto* const out = reinterpret_cast<__m128i*>(hash);
  _mm_storeu_si128(out, _mm_shuffle_epi8(_mm_blend_epi16(feba, dchg, 0xf0), big_endian));
  _mm_storeu_si128(out + 1, _mm_shuffle_epi8(_mm_alignr_epi8(dchg, feba, 8), big_endian));
}

}  // namespace

bool has_sha256_pair() noexcept {
  static const bool has = [] {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    const bool sse41 = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;
    return sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
  }();
  return has;
}

[[gnu::target("sha,sse4.1")]] void sha256_pair(const std::array<const char*, 2>& messages, std::size_t size,
                                               const std::array<char*, 2>& hashes) noexcept {
  const State initial{
      _mm_set_epi32(0x6a09e667, static_cast<int>(0xbb67ae85), 0x510e527f, static_cast<int>(0x9b05688c)),
      _mm_set_epi32(0x3c6ef372, static_cast<int>(0xa54ff53a), 0x1f83d9ab, 0x5be0cd19)};
  std::array<State, lanes> states{initial, initial};
  for (std::size_t at = 0; at < size; at += chunk_size) {
    add_chunk(states, {messages[0] + at, messages[1] + at});
  }
  const auto last = padding(size);
  add_chunk(states, {last.data(), last.data()});
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    store(states[lane], hashes[lane]);
  }
}

#else

bool has_sha256_pair() noexcept {
  return false;
}

void sha256_pair(const std::array<const char*, 2>&, std::size_t, const std::array<char*, 2>&) noexcept {
  std::abort();
}

#endif

}  // namespace cfs
