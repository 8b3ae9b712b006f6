// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/tree_diff.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <variant>

#include "cfs/base/words.hpp"
#include "cfs/image/tree_walk.hpp"

namespace cfs {

namespace {

bool same_content(const Inode& a, const Inode& b) {
  if (a.is(S_IFDIR)) {
    return true;  // its entries are compared each by itself
  }
  const auto* external_a = std::get_if<ExternalFile>(&a.content);
  const auto* external_b = std::get_if<ExternalFile>(&b.content);
  if (external_a != nullptr && external_b != nullptr) {
    return external_a->digest == external_b->digest && external_a->size == external_b->size &&
           external_a->has_digest() == external_b->has_digest() && external_a->path() == external_b->path();
  }
  const auto* text_a = std::get_if<std::string>(&a.content);
  const auto* text_b = std::get_if<std::string>(&b.content);
  const bool same_text = text_a != nullptr && text_b != nullptr ? *text_a == *text_b : text_a == text_b;
  return external_a == external_b && same_text && a.rdev == b.rdev;
}

bool same_xattrs(const Inode& a, const Inode& b) {
  return a.xattrs.size() == b.xattrs.size() && std::ranges::all_of(a.xattrs, [&](const Xattr* xattr) {
           return std::ranges::any_of(b.xattrs, [&](const Xattr* other) { return *xattr == *other; });
         });
}

class Comparison {
 public:
  Comparison(const FileTree& before, const FileTree& after, const DifferenceVisitor& visit)
      : before_(before), after_(after), links_before_(before), links_after_(after), visit_(visit) {}

  Result<> run();

 private:
  // Two directories of the same path, and how far they are compared.
  struct Level {
    const Directory* before;
    const Directory* after;
    std::size_t next_before = 0;
    std::size_t next_after = 0;
    std::size_t path_size = 0;
  };

  Result<> compare(InodeId before, InodeId after);
  Result<> only_in(const FileTree& tree, Difference difference, const std::string& path, InodeId id);
  Result<> all_below(const FileTree& tree, Difference difference, InodeId id);

  const FileTree& before_;
  const FileTree& after_;
  HardLinks links_before_;
  HardLinks links_after_;
  const DifferenceVisitor& visit_;
  std::vector<Level> levels_;
  std::string path_;
};

// With everything below it.
Result<> Comparison::only_in(const FileTree& tree, Difference difference, const std::string& path,
                             InodeId id) {
  return walk_tree(tree, path, id,
                   [&](const std::string& each, InodeId) { return visit_(difference, each, {}); });
}

Result<> Comparison::all_below(const FileTree& tree, Difference difference, InodeId id) {
  if (const auto* directory = std::get_if<Directory>(&tree.inodes[id].content)) {
    for (const DirectoryEntry& entry : *directory) {
      CFS_TRY(only_in(tree, difference, path_ + '/' + entry.name, entry.inode));
    }
  }
  return {};
}

Result<> Comparison::compare(InodeId before, InodeId after) {
  const Inode& a = before_.inodes[before];
  const Inode& b = after_.inodes[after];
  const bool same_type = (a.mode & S_IFMT) == (b.mode & S_IFMT);
  const bool both_directories = same_type && a.is(S_IFDIR);
  std::vector<std::string_view> aspects;
  const auto note = [&](bool same, std::string_view aspect) {
    if (!same) {
      aspects.push_back(aspect);
    }
  };
  note(same_type, "type");
  note(!same_type || same_content(a, b), "content");
  note((a.mode & ~static_cast<mode_t>(S_IFMT)) == (b.mode & ~static_cast<mode_t>(S_IFMT)), "mode");
  note(a.uid == b.uid && a.gid == b.gid, "owner");
  note(a.mtime_sec == b.mtime_sec && a.mtime_nsec == b.mtime_nsec, "mtime");
  note(same_xattrs(a, b), "xattr");
  note(!same_type || both_directories || links_before_.count(before) == links_after_.count(after), "links");
  if (!aspects.empty()) {
    CFS_TRY(visit_(Difference::changed, path_, aspects));
  }
  if (both_directories) {
    levels_.push_back({std::get_if<Directory>(&a.content), std::get_if<Directory>(&b.content), 0, 0,
                       path_ == "/" ? 0 : path_.size()});
    return {};
  }
  CFS_TRY(all_below(before_, Difference::removed, before));
  return all_below(after_, Difference::added, after);
}

Result<> Comparison::run() {
  path_ = "/";
  CFS_TRY(compare(0, 0));
  while (!levels_.empty()) {
    Level& level = levels_.back();
    const auto entry = [](const Directory& directory, std::size_t at) {
      return at < directory.size() ? &directory[at] : nullptr;
    };
    const DirectoryEntry* a = entry(*level.before, level.next_before);
    const DirectoryEntry* b = entry(*level.after, level.next_after);
    if (a == nullptr && b == nullptr) {
      levels_.pop_back();
      continue;
    }
    const bool in_before = a != nullptr && (b == nullptr || a->name <= b->name);
    const bool in_after = b != nullptr && (a == nullptr || b->name <= a->name);
    level.next_before += in_before ? 1 : 0;
    level.next_after += in_after ? 1 : 0;
    path_.resize(level.path_size);
    path_.append(1, '/').append(in_before ? a->name : b->name);
    if (in_before && in_after) {
      CFS_TRY(compare(a->inode, b->inode));
    } else if (in_before) {
      CFS_TRY(only_in(before_, Difference::removed, path_, a->inode));
    } else {
      CFS_TRY(only_in(after_, Difference::added, path_, b->inode));
    }
  }
  return {};
}

constexpr auto difference_words = std::to_array<Word<Difference>>(
    {{Difference::added, "added"}, {Difference::removed, "removed"}, {Difference::changed, "changed"}});

}  // namespace

std::string_view name(Difference difference) noexcept {
  return word_of(difference_words, difference);
}

Result<> diff_trees(const FileTree& before, const FileTree& after, const DifferenceVisitor& visit) {
  return Comparison(before, after, visit).run();
}

std::map<std::string, std::uint64_t> new_objects(const FileTree& before, const FileTree& after) {
  std::map<std::string, std::uint64_t> objects;
  for (const Inode& inode : after.inodes) {
    if (const auto* file = std::get_if<ExternalFile>(&inode.content)) {
      objects.try_emplace(file->path(), file->size);
    }
  }
  for (const Inode& inode : before.inodes) {
    if (const auto* file = std::get_if<ExternalFile>(&inode.content)) {
      objects.erase(file->path());
    }
  }
  objects.erase("");  // contents that lie nowhere
  return objects;
}

}  // namespace cfs
