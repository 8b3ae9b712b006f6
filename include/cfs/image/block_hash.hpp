// SPDX-License-Identifier: Apache-2.0
// Hashes of many blocks of the same size: what Merkle trees are made of, and where making an image spends its
// time.
#pragma once

#include <cstddef>
#include <span>

#include "cfs/base/digest.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// Writes the hash of each `block_size` bytes of `blocks` into `hashes`, one after the other: of
// digest_size(algorithm) bytes each, for which there must be room. `block_size` is a multiple of 64, and the
// size of `blocks` one of it.
//
// In SHA-256 each step waits for the one before it, so blocks are hashed side by side: sixteen where the
// processor has AVX-512, two where it has instructions for SHA-256. OpenSSL does the rest. Code::io_error if
// it cannot.
[[nodiscard]] Result<> hash_blocks(HashAlgorithm algorithm, std::size_t block_size,
                                   std::span<const char> blocks, std::span<char> hashes);

}  // namespace cfs
