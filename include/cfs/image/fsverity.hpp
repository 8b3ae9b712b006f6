// SPDX-License-Identifier: Apache-2.0
// fs-verity file digests and metadata, computed in user space: version 1, 4096-byte blocks, no salt, as
// Documentation/filesystems/fsverity.rst of Linux defines them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

inline constexpr std::size_t verity_block_size = 4096;
inline constexpr std::size_t verity_descriptor_size = 256;

// Gives the next bytes of a file, in order: fills `buffer` whole. The bytes asked for never pass the size
// that was announced.
using VerityReader = std::function<Result<>(std::span<char> buffer)>;

// What a kernel would measure for a file of `size` bytes that `read` gives. Errors are those of `read`;
// Code::io_error when the hash cannot be computed.
[[nodiscard]] Result<Digest> compute_verity(const VerityReader& read, std::uint64_t size,
                                            HashAlgorithm algorithm = HashAlgorithm::sha256);

// The same for bytes in memory.
[[nodiscard]] Result<Digest> compute_verity(std::string_view bytes,
                                            HashAlgorithm algorithm = HashAlgorithm::sha256);

// The same for the first `size` bytes of an open file, wherever its position is. Code::input_changed when the
// file is shorter than that, Code::io_error.
[[nodiscard]] Result<Digest> compute_verity(const Fd& file, std::uint64_t size,
                                            HashAlgorithm algorithm = HashAlgorithm::sha256);

// All that a file system stores beside a file so that the kernel can verify it.
struct VerityMetadata {
  Digest digest;
  std::string merkle_tree;  // whole blocks, root level first, as FS_IOC_READ_VERITY_METADATA gives it; empty
                            // for a file of at most one block
  std::string descriptor;   // struct fsverity_descriptor: verity_descriptor_size bytes
};

// As compute_verity(), and keeps the metadata: about 1/127 of the file's size in memory.
[[nodiscard]] Result<VerityMetadata> verity_metadata(const VerityReader& read, std::uint64_t size,
                                                     HashAlgorithm algorithm = HashAlgorithm::sha256);

}  // namespace cfs
