// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/tree_walk.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <variant>
#include <vector>

namespace cfs {

Result<> walk_tree(const FileTree& tree, std::string path, InodeId start, const TreeVisitor& visit) {
  // A directory that is being walked, its next entry, and how long its path is.
  struct Level {
    const Directory* directory;
    std::size_t next;
    std::size_t path_size;
  };
  std::vector<Level> levels;
  const auto enter = [&](InodeId id) -> Result<> {
    CFS_TRY(visit(path, id));
    if (const auto* directory = std::get_if<Directory>(&tree.inodes[id].content)) {
      levels.push_back({directory, 0, path == "/" ? 0 : path.size()});
    }
    return {};
  };
  CFS_TRY(enter(start));
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.directory->size()) {
      levels.pop_back();
      continue;
    }
    const DirectoryEntry& entry = (*level.directory)[level.next++];
    path.resize(level.path_size);
    path.append(1, '/').append(entry.name);
    CFS_TRY(enter(entry.inode));
  }
  return {};
}

std::vector<std::uint32_t> count_names(const FileTree& tree) {
  std::vector<std::uint32_t> names(tree.inodes.size());
  for (const Inode& inode : tree.inodes) {
    if (const auto* directory = std::get_if<Directory>(&inode.content)) {
      for (const DirectoryEntry& entry : *directory) {
        names[entry.inode] += 1;
      }
    }
  }
  return names;
}

const std::string* HardLinks::earlier_name(const std::string& path, InodeId inode) {
  if (names_[inode] < 2) {
    return nullptr;
  }
  const auto [first, inserted] = first_names_.try_emplace(inode, path);
  return inserted ? nullptr : &first->second;
}

std::uint32_t HardLinks::count(InodeId inode) const {
  const auto* directory = std::get_if<Directory>(&tree_.inodes[inode].content);
  if (directory == nullptr) {
    const std::uint32_t links = tree_.inodes[inode].links;
    return links != 0 ? links : names_[inode];
  }
  const auto subdirectories = std::ranges::count_if(
      *directory, [&](const DirectoryEntry& entry) { return tree_.inodes[entry.inode].is(S_IFDIR); });
  return static_cast<std::uint32_t>(2 + subdirectories);
}

}  // namespace cfs
