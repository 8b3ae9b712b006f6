// SPDX-License-Identifier: Apache-2.0
// Bytes and numbers of keys and signatures, for tests that make such as no signer would.
#pragma once

#include <gmp.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/text.hpp"

namespace cfs {

using Bytes = std::vector<unsigned char>;

inline std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

inline Bytes bytes_of(std::string_view hex) {
  return from_hex(hex).value_or(Bytes{});
}

// A public key file.
inline std::string ed25519_der(std::string_view raw_hex) {
  return text_of(bytes_of(cat("302a300506032b6570032100", raw_hex)));
}

// GMP's integer for sums modulo a group's order.
struct Number {
  mpz_t value;
  explicit Number(std::string_view hex) { mpz_init_set_str(value, std::string(hex).c_str(), 16); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() { mpz_clear(value); }
  // Bytes in the order -1 (little-endian) or 1.
  void set(std::span<const unsigned char> bytes, int order) {
    mpz_import(value, bytes.size(), order, 1, 0, 0, bytes.data());
  }
  [[nodiscard]] Bytes get(int order, std::size_t size) const {
    Bytes bytes(size);
    std::size_t count = (mpz_sizeinbase(value, 2) + 7) / 8;
    EXPECT_LE(count, size);
    mpz_export(order < 0 ? bytes.data() : bytes.data() + size - count, &count, order, 1, 0, 0, value);
    return bytes;
  }
};

}  // namespace cfs
