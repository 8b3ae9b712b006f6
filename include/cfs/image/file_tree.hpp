// SPDX-License-Identifier: Apache-2.0
// A directory tree in memory: what an image is made from. Built for a million entries: extended attributes
// are kept once however many files carry them, and link counts and directory sizes are derived, not stored.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cfs/base/digest.hpp"

namespace cfs {

struct Xattr {
  std::string name;  // in full: "security.capability"
  std::string value;

  friend auto operator<=>(const Xattr&, const Xattr&) = default;
};

using InodeId = std::uint32_t;  // index into FileTree::inodes

struct DirectoryEntry {
  std::string name;
  InodeId inode = 0;
};

// Sorted by the bytes of the name, without "." and "..".
using Directory = std::vector<DirectoryEntry>;

// Where contents lie when it is not in the object that is named by their digest: dumps and repositories of
// other tools have such files.
struct Backing {
  std::string path;         // below the data layer, without the leading '/'; empty: nowhere
  bool has_digest = false;  // otherwise nothing protects the contents

  friend auto operator<=>(const Backing&, const Backing&) = default;
};

// Contents that lie outside the image, in the object store.
struct ExternalFile {
  Digest digest;                     // all zeros where the backing has none
  std::uint64_t size = 0;            // more than 0
  const Backing* backing = nullptr;  // from FileTree::intern(); none: the object digest.object_path()

  [[nodiscard]] bool has_digest() const noexcept { return backing == nullptr || backing->has_digest; }
  // As a dump's PAYLOAD has it.
  [[nodiscard]] std::string path() const { return backing == nullptr ? digest.object_path() : backing->path; }
};

struct Inode {
  mode_t mode = 0;  // type and permissions
  uid_t uid = 0;
  gid_t gid = 0;
  std::uint32_t rdev = 0;  // devices: as makedev(3) gives it, of which EROFS keeps 32 bits
  std::int64_t mtime_sec = 0;
  std::uint32_t mtime_nsec = 0;
  std::uint32_t links = 0;  // the link count to show where it is not the number of names; not for directories
  std::vector<const Xattr*> xattrs;  // from FileTree::intern(), no name twice, in any order
  // By type: a directory has a Directory, a symbolic link its target, a regular file its bytes or an
  // ExternalFile, an empty file and all others nothing.
  std::variant<std::monostate, std::string, ExternalFile, Directory> content;

  [[nodiscard]] bool is(mode_t type) const noexcept;  // S_IFREG and its kin
  // A character device 0:0, with which overlayfs hides a file of a lower layer.
  [[nodiscard]] bool is_whiteout() const noexcept;
};

struct FileTree {
  // The root directory is the first. Two entries with the same inode are hard links; no directory has two.
  std::deque<Inode> inodes;  // a deque: references stay good while it grows
  std::set<Xattr> xattrs;
  std::set<Backing> backings;

  // The one copy of this attribute or backing. Not safe to call from two threads at once.
  [[nodiscard]] const Xattr* intern(std::string_view name, std::string_view value);
  [[nodiscard]] const Backing* intern(Backing backing);
};

// Gives the inode this attribute, in the place of an earlier one of that name.
void set_xattr(FileTree& tree, Inode& inode, std::string_view name, std::string_view value);

}  // namespace cfs
