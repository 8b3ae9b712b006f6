// SPDX-License-Identifier: Apache-2.0
// What is different in a tree from another: what an update changes, and what has to be fetched for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

enum class Difference : std::uint8_t { added, removed, changed };

// "added", "removed", "changed"
[[nodiscard]] std::string_view name(Difference difference) noexcept;

// `aspects` of what changed, in this order: "type", "content" (contents, target or device), "mode", "owner",
// "mtime", "xattr", "links" (the link count of a file).
using DifferenceVisitor = std::function<Result<>(Difference difference, const std::string& path,
                                                 const std::vector<std::string_view>& aspects)>;

// Calls `visit` for every path that is only in one of the trees, or not the same in both, in the order of
// names. A file in the place of a directory is a change of the one and the end of all below.
[[nodiscard]] Result<> diff_trees(const FileTree& before, const FileTree& after,
                                  const DifferenceVisitor& visit);

// The objects of `after` that `before` has not: path (as a dump's PAYLOAD has it) and size.
[[nodiscard]] std::map<std::string, std::uint64_t> new_objects(const FileTree& before, const FileTree& after);

}  // namespace cfs
