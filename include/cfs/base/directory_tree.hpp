// SPDX-License-Identifier: Apache-2.0
// Copies and removes directory trees. None of it follows a symbolic link.
#pragma once

#include <chrono>
#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// How deep a tree may be that is copied: descriptors are open for each level.
inline constexpr int deepest_copy = 200;

struct CopyOptions {
  // For an upper layer of overlayfs(5) that shall lie over another image than before. A file whose contents
  // stayed in the image (trusted.overlay.metacopy) gets them from these objects, for the other image may have
  // others in that place; it is left out when they have no such object, so that the image's own file shows.
  // What ties a file to the image below (trusted.overlay.origin and its kin) is left out. Null: no overlay.
  const Fd* objects = nullptr;
};

// Makes the directory `name` in `parent` as a copy of `source`, with all that is below: contents, owners,
// modes, times, extended attributes, hard links, device nodes (whiteouts of overlayfs are such). Not synced.
// `source` and `parent` may be opened with O_PATH; needs /proc. Code::io_error naming the path in the tree,
// Code::already_exists, Code::unsupported_input (too deep). On failure what was copied stays.
[[nodiscard]] Result<> copy_tree(const Fd& source, const Fd& parent, const std::string& name,
                                 const CopyOptions& options = {});

// Opens PARENT/NAME, making it first if it is missing. Code::io_error, Code::path_refused.
[[nodiscard]] Result<Fd> make_directory(const Fd& parent, std::string_view name, unsigned mode);

// Gives `to` the owner, mode and extended attributes of the directory `from`, but for trusted.overlay.*,
// which belong to a layer. Code::io_error.
[[nodiscard]] Result<> copy_attributes(const Fd& from, const Fd& to);

// Removes what is below `directory` on the same file system, until `deadline`. Errors are ignored: what stays
// only takes room. Returns whether the directory is empty now.
bool remove_tree(const Fd& directory, std::chrono::steady_clock::time_point deadline =
                                          std::chrono::steady_clock::time_point::max());

}  // namespace cfs
