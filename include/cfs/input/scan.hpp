// SPDX-License-Identifier: Apache-2.0
// Reading a root directory: into a tree, and its contents into a store.
//
// What is taken is what mkcomposefs(1) takes by default: every entry of every kind on every mounted file
// system below the root; all extended attributes that the caller can see; times to the nanosecond. Each name
// of a file with several hard links becomes a file of its own (its contents are read and stored once).
// Regular files of at most inline_max bytes are kept in the tree, larger ones go to the store.
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

class Exclusions;
class StoreWriter;
class Progress;

inline constexpr std::size_t inline_max = 64;

// For scan() and for the readers of archives alike.
struct ScanOptions {
  StoreWriter* store = nullptr;         // where contents are put; nullptr: they are only hashed
  Progress* progress = nullptr;         // told of every regular file
  unsigned threads = 0;                 // that read and hash; 0: one for each processor
  const Exclusions* exclude = nullptr;  // what is not read at all
  HashAlgorithm hash = HashAlgorithm::sha256;
};

// Follows no symbolic link but `root` itself. Errors name the path: Code::not_found (no such root),
// Code::input_changed when something vanished or changed while it was read, Code::unsupported_input for
// extended attributes larger than an image can hold and for a directory that is mounted below itself,
// Code::io_error for what cannot be read, and those of the store.
[[nodiscard]] Result<FileTree> scan(const std::string& root, const ScanOptions& options);

}  // namespace cfs
