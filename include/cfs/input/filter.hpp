// SPDX-License-Identifier: Apache-2.0
// What is left out of an image and what is changed in it, so that it does not depend on who built it, when,
// and on which machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

// Names to leave out: fnmatch(3) patterns for the whole path from the root, without the leading '/' (a
// pattern may have one). '*' matches '/' too: "*.pyc" is every such file, "var/cache/*" empties that
// directory. What is in a directory that is left out is left out with it.
class Exclusions {
 public:
  Exclusions() = default;
  explicit Exclusions(std::vector<std::string> patterns);

  // Of this very path, "usr/lib/x": the caller asks for the directories above it first.
  [[nodiscard]] bool match(const std::string& path) const;

 private:
  std::vector<std::string> patterns_;
};

struct FilterOptions {
  bool owner_root = false;                // everything belongs to user and group 0
  std::optional<std::int64_t> mtime_max;  // later times become this one (seconds since 1970)
  std::string selinux;  // file_contexts(5) that decide all labels; empty: labels stay as they are
};

// Changes the tree in one pass. Where a file has several names in the tree, its label is that of the first.
// What `selinux` says nothing about has no label afterwards. Errors are those of SelinuxLabels.
[[nodiscard]] Result<> filter(FileTree& tree, const FilterOptions& options);

}  // namespace cfs
