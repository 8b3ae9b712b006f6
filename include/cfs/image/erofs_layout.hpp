// SPDX-License-Identifier: Apache-2.0
// Where everything lies in a metadata image, known before a byte of it is written: just where mkcomposefs
// puts it. (EROFS on disk: fs/erofs/erofs_fs.h of Linux; what composefs uses of it:
// cfs/image/erofs_format.hpp.)
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/image/erofs_format.hpp"
#include "cfs/image/erofs_xattr.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs::erofs {

// Where an inode lies in the image, and what is derived for it.
struct Placement {
  std::uint64_t position = 0;  // byte offset
  std::uint32_t number = 0;    // in order of writing; i_ino
  std::uint32_t links = 0;     // 0: nothing leads to it, and it is not in the image
  InodeId parent = 0;          // of a directory
  std::uint32_t xattrs = 0;    // bytes
  std::uint32_t blocks = 0;    // whole data blocks
  std::uint32_t tail = 0;      // bytes of data behind the inode
  bool compact = false;

  [[nodiscard]] std::uint64_t inode_size() const {
    return compact ? compact_inode_size : extended_inode_size;
  }
  [[nodiscard]] std::uint64_t nid() const { return position / slot_size; }
};

struct ImageLayout {
  explicit ImageLayout(const FileTree& tree) : placements(tree.inodes.size()), shared(tree) {}

  std::vector<Placement> placements;  // by inode
  std::vector<InodeId> order;         // of writing: breadth first
  SharedXattrs shared;
  std::int64_t oldest_sec = 0;  // the time that compact inodes have
  std::uint32_t oldest_nsec = 0;
  std::uint64_t inodes_end = 0;  // in bytes; the shared attributes follow
  std::uint64_t data_start = 0;  // in bytes, a multiple of block_size
  std::uint64_t data_blocks = 0;
};

// For a tree as it lies below overlayfs, whose first inode is a directory. Code::unsupported_input, with the
// name of the file, for what an image cannot hold.
[[nodiscard]] Result<ImageLayout> lay_out(const FileTree& tree);

// i_size of an inode that is laid out.
[[nodiscard]] std::uint64_t size_of(const Inode& inode, const Placement& placement);

// The chunks by which a file's size, more than 0, is expressed: as few as there can be.
struct Chunks {
  unsigned bits;
  std::uint64_t count;
};
[[nodiscard]] Chunks chunks_of(std::uint64_t size);

// An entry of a directory as the image has it: the name is a view into the tree.
struct Dirent {
  std::string_view name;
  InodeId inode;
};

// All of a directory in order, with "." and "..".
[[nodiscard]] std::vector<Dirent> dirents(const FileTree& tree, InodeId directory, InodeId parent);

// As many entries as one block holds, and how many bytes they take there.
struct DirentBlock {
  std::span<const Dirent> entries;
  std::uint64_t bytes;
};
[[nodiscard]] std::vector<DirentBlock> split_into_blocks(std::span<const Dirent> entries);

}  // namespace cfs::erofs
