// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/sha256_sixteen.hpp"

#include <cstdlib>

#include "cfs/image/sha256_constants.hpp"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined registers of its own header for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif
#endif

namespace cfs {

#if defined(__x86_64__)

namespace {

constexpr std::size_t lanes = 16;
constexpr std::size_t hash_size = 32;

// What _mm512_ternarylogic_epi32() computes of each bit.
constexpr int exclusive_or = 0x96;
constexpr int choose = 0xca;
constexpr int majority = 0xe8;

#define CFS_AVX512 [[gnu::target("avx512f,avx512bw"), gnu::always_inline]] inline

CFS_AVX512 __m512i big_endian(__m512i words) {
  return _mm512_shuffle_epi8(
      words, _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)));
}

CFS_AVX512 __m512i add(__m512i a, __m512i b, __m512i c, __m512i d) {
  return _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
}

template <int r1, int r2, int r3>
CFS_AVX512 __m512i rotations(__m512i x) {
  return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, r1), _mm512_ror_epi32(x, r2), _mm512_ror_epi32(x, r3),
                                   exclusive_or);
}

template <int r1, int r2, int shift>
CFS_AVX512 __m512i rotations_and_shift(__m512i x) {
  return _mm512_ternarylogic_epi32(_mm512_ror_epi32(x, r1), _mm512_ror_epi32(x, r2),
                                   _mm512_srli_epi32(x, shift), exclusive_or);
}

// Sixteen rows of sixteen words become columns.
CFS_AVX512 void transpose(__m512i (&rows)[lanes]) {
  __m512i step[lanes];
  for (std::size_t i = 0; i < lanes; i += 2) {
    step[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    step[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (std::size_t i = 0; i < lanes; i += 4) {
    rows[i] = _mm512_unpacklo_epi64(step[i], step[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(step[i], step[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(step[i + 1], step[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(step[i + 1], step[i + 3]);
  }
  constexpr int even = 0x88;
  constexpr int odd = 0xdd;
  for (std::size_t i = 0; i < 4; ++i) {
    step[i] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], even);
    step[i + 4] = _mm512_shuffle_i32x4(rows[i], rows[i + 4], odd);
    step[i + 8] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], even);
    step[i + 12] = _mm512_shuffle_i32x4(rows[i + 8], rows[i + 12], odd);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    rows[i] = _mm512_shuffle_i32x4(step[i], step[i + 8], even);
    rows[i + 8] = _mm512_shuffle_i32x4(step[i], step[i + 8], odd);
    rows[i + 4] = _mm512_shuffle_i32x4(step[i + 4], step[i + 12], even);
    rows[i + 12] = _mm512_shuffle_i32x4(step[i + 4], step[i + 12], odd);
  }
}

// One chunk of each lane: word i of all of them in words[i], the state likewise.
CFS_AVX512 void add_chunk(__m512i (&state)[8], __m512i (&words)[lanes]) {
  __m512i a = state[0];
  __m512i b = state[1];
  __m512i c = state[2];
  __m512i d = state[3];
  __m512i e = state[4];
  __m512i f = state[5];
  __m512i g = state[6];
  __m512i h = state[7];
#pragma GCC unroll 64
  for (std::size_t round = 0; round < sha256_round_constants.size(); ++round) {
    __m512i& word = words[round % 16];
    if (round >= 16) {
      word = add(word, rotations_and_shift<7, 18, 3>(words[(round + 1) % 16]), words[(round + 9) % 16],
                 rotations_and_shift<17, 19, 10>(words[(round + 14) % 16]));
    }
    const __m512i constant = _mm512_set1_epi32(static_cast<int>(sha256_round_constants[round]));
    const __m512i t1 = add(_mm512_add_epi32(h, rotations<6, 11, 25>(e)),
                           _mm512_ternarylogic_epi32(e, f, g, choose), word, constant);
    const __m512i t2 =
        _mm512_add_epi32(rotations<2, 13, 22>(a), _mm512_ternarylogic_epi32(a, b, c, majority));
    h = g;
    g = f;
    f = e;
    e = _mm512_add_epi32(d, t1);
    d = c;
    c = b;
    b = a;
    a = _mm512_add_epi32(t1, t2);
  }
  const __m512i after[8] = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) {
    state[i] = _mm512_add_epi32(state[i], after[i]);
  }
}

}  // namespace

bool has_sha256_sixteen() noexcept {
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
  return has;
}

[[gnu::target("avx512f,avx512bw")]] void sha256_sixteen(const char* messages, std::size_t size,
                                                        char* hashes) noexcept {
  __m512i state[8];
  for (std::size_t i = 0; i < 8; ++i) {
    state[i] = _mm512_set1_epi32(static_cast<int>(sha256_initial_state[i]));
  }
  __m512i words[lanes];
  for (std::size_t at = 0; at < size; at += sha256_chunk_size) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      words[lane] = big_endian(_mm512_loadu_si512(messages + lane * size + at));
    }
    transpose(words);
    add_chunk(state, words);
  }
  const auto last = sha256_padding(size);
  for (__m512i& row : words) {
    row = big_endian(_mm512_loadu_si512(last.data()));
  }
  transpose(words);
  add_chunk(state, words);

  for (std::size_t i = 0; i < lanes; ++i) {
    words[i] = i < 8 ? state[i] : _mm512_setzero_si512();
  }
  transpose(words);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(hashes + lane * hash_size),
                        _mm512_castsi512_si256(big_endian(words[lane])));
  }
}

#else

bool has_sha256_sixteen() noexcept {
  return false;
}

void sha256_sixteen(const char*, std::size_t, char*) noexcept {
  std::abort();
}

#endif

}  // namespace cfs
