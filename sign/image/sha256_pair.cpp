// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/sha256_pair.hpp"

#include <cstdint>
#include <cstdlib>

#include "cfs/image/sha256_constants.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace cfs {

#if defined(__x86_64__)

namespace {

constexpr std::size_t lanes = 2;

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
        _mm_load_si128(reinterpret_cast<const __m128i*>(sha256_round_constants.data() + 4 * group));
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
  const auto word = [](std::size_t i) { return static_cast<int>(sha256_initial_state[i]); };
  const State initial{.abef = _mm_set_epi32(word(0), word(1), word(4), word(5)),
                      .cdgh = _mm_set_epi32(word(2), word(3), word(6), word(7))};
  std::array<State, lanes> states{initial, initial};
  for (std::size_t at = 0; at < size; at += sha256_chunk_size) {
    add_chunk(states, {messages[0] + at, messages[1] + at});
  }
  const auto last = sha256_padding(size);
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
