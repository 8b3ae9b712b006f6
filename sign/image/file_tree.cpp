// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/file_tree.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace cfs {

bool Inode::is(mode_t type) const noexcept {
  return (mode & S_IFMT) == type;
}

bool Inode::is_whiteout() const noexcept {
  return is(S_IFCHR) && rdev == 0;
}

const Xattr* FileTree::intern(std::string_view name, std::string_view value) {
  return &*xattrs.insert(Xattr{std::string(name), std::string(value)}).first;
}

const Backing* FileTree::intern(Backing backing) {
  return &*backings.insert(std::move(backing)).first;
}

void set_xattr(FileTree& tree, Inode& inode, std::string_view name, std::string_view value) {
  const Xattr* xattr = tree.intern(name, value);
  const auto old = std::ranges::find(inode.xattrs, name, &Xattr::name);
  if (old != inode.xattrs.end()) {
    *old = xattr;
  } else {
    inode.xattrs.push_back(xattr);
  }
}

}  // namespace cfs
