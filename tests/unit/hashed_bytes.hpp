// SPDX-License-Identifier: Apache-2.0
// Bytes to hash, and what OpenSSL makes of them.
#pragma once

#include <openssl/sha.h>

#include <string>
#include <string_view>

namespace cfs {

inline std::string sha256(std::string_view bytes) {
  std::string hash(32, '\0');
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

// No two blocks of it are the same.
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 7 + i / 64 + i / 4096);
  }
  return bytes;
}

}  // namespace cfs
