// SPDX-License-Identifier: Apache-2.0
// Reading tar archives (ustar, pax, GNU), compressed or not, as they stream by: into a tree, and the contents
// into a store. Nothing is unpacked.
//
// An archive gives the tree that scan() gives for the directory it was made of, as far as it holds
// everything: GNU tar needs --xattrs and --acls for that, and leaves out sockets. Owners count by number,
// never by name: an ACL must have numbers too (--numeric-owner). Hard links become files of their own, as in
// scan().
#pragma once

#include <functional>
#include <span>
#include <string>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"
#include "cfs/input/scan.hpp"
#include "cfs/input/tree_builder.hpp"

namespace cfs {

// Returns the next bytes of an archive, valid until the next call; none at its end.
using ArchiveSource = std::function<Result<std::span<const char>>()>;

// What a name that begins with ".wh." means.
enum class Whiteouts { are_files, hide_lower_layers };

// Adds the archive's entries to the tree; the source may not be read to its end. Errors name the entry:
// Code::archive_malformed for what is no tar archive, is damaged or ends early, and for what TreeBuilder
// refuses; Code::unsupported_input for what an image cannot hold; those of the source and of the store.
[[nodiscard]] Result<> read_tar(const ArchiveSource& source, TreeBuilder& tree, Whiteouts whiteouts,
                                const ScanOptions& options);

// The same for a whole file, or standard input ("-"). Code::not_found, Code::io_error too.
[[nodiscard]] Result<FileTree> load_tar(const std::string& path, const ScanOptions& options);

}  // namespace cfs
