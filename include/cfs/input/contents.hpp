// SPDX-License-Identifier: Apache-2.0
// What becomes of a file's contents, whether a directory or an archive has them.
#pragma once

#include <cstdint>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"
#include "cfs/input/scan.hpp"

namespace cfs {

// Files up to this size are read into memory once: hashed there, and written to the store from there, so that
// nothing is written for those that the store has.
inline constexpr std::uint64_t whole_read_max = 1UL << 20;

// Gives a regular file of `size` bytes, at least 1, its contents: in the tree up to inline_max, else in the
// store. `bytes` are all of them, or none where only `file` has them, from its start. Errors as
// compute_verity() and StoreWriter::put().
[[nodiscard]] Result<> set_contents(Inode& inode, std::uint64_t size, std::string_view bytes, const Fd& file,
                                    const ScanOptions& options);

// Code::unsupported_input for a symbolic link's target that is empty or longer than link_target_max.
[[nodiscard]] Result<> set_target(Inode& inode, std::string_view target);

}  // namespace cfs
