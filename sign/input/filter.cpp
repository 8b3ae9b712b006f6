// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/filter.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "cfs/image/tree_walk.hpp"
#include "cfs/input/selinux.hpp"

namespace cfs {

namespace {

constexpr std::string_view selinux_xattr = "security.selinux";

Result<> set_labels(FileTree& tree, const SelinuxLabels& labels) {
  std::vector<bool> labelled(tree.inodes.size());
  return walk_tree(tree, "/", 0, [&](const std::string& path, InodeId id) -> Result<> {
    if (labelled[id]) {
      return {};
    }
    labelled[id] = true;
    Inode& inode = tree.inodes[id];
    if (const auto label = CFS_TRY(labels.find(path, inode.mode))) {
      set_xattr(tree, inode, selinux_xattr, *label);
    } else {
      std::erase_if(inode.xattrs, [](const Xattr* xattr) { return xattr->name == selinux_xattr; });
    }
    return {};
  });
}

void clamp_time(Inode& inode, std::int64_t latest) {
  if (inode.mtime_sec >= latest) {
    inode.mtime_sec = latest;
    inode.mtime_nsec = 0;
  }
}

}  // namespace

Exclusions::Exclusions(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {
  for (std::string& pattern : patterns_) {
    pattern.erase(0, pattern.starts_with('/') ? 1 : 0);
  }
}

bool Exclusions::match(const std::string& path) const {
  return std::ranges::any_of(patterns_, [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
  });
}

Result<> filter(FileTree& tree, const FilterOptions& options) {
  for (Inode& inode : tree.inodes) {
    if (options.owner_root) {
      inode.uid = 0;
      inode.gid = 0;
    }
    if (options.mtime_max) {
      clamp_time(inode, *options.mtime_max);
    }
  }
  if (!options.selinux.empty()) {
    const SelinuxLabels labels = CFS_TRY(SelinuxLabels::open(options.selinux));
    CFS_TRY(set_labels(tree, labels));
  }
  return {};
}

}  // namespace cfs
