// SPDX-License-Identifier: Apache-2.0
// Every entry of a tree with its path: directories before what they hold, in the order of names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

// "/usr/bin"; "/" is the root.
using TreeVisitor = std::function<Result<>(const std::string& path, InodeId inode)>;

// Visits `start`, whose path is `path`, and all below it. Needs memory for one path, however deep. Ends with
// the first failure of the visitor.
[[nodiscard]] Result<> walk_tree(const FileTree& tree, std::string path, InodeId start,
                                 const TreeVisitor& visit);

// How many directory entries lead to each inode.
[[nodiscard]] std::vector<std::uint32_t> count_names(const FileTree& tree);

// Files with several names, and link counts, for one walk over a tree that outlives it.
class HardLinks {
 public:
  explicit HardLinks(const FileTree& tree) : tree_(tree), names_(count_names(tree)) {}

  // Where the walk met this inode before; nullptr if `path` is its first name.
  [[nodiscard]] const std::string* earlier_name(const std::string& path, InodeId inode);

  // The link count that stat(2) shows.
  [[nodiscard]] std::uint32_t count(InodeId inode) const;

 private:
  const FileTree& tree_;
  std::vector<std::uint32_t> names_;
  std::unordered_map<InodeId, std::string> first_names_;  // of inodes with several
};

}  // namespace cfs
