// SPDX-License-Identifier: Apache-2.0
// The parts of a metadata image as they lie in it, each checked on its own; read_image() makes a tree of
// them. (EROFS on disk: fs/erofs/erofs_fs.h of Linux; what composefs uses of it: cfs/image/erofs_format.hpp.)
//
// The image is hostile: no offset, count, size or name in it is trusted, and nothing is read that the kernel
// would read as something else.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/image/erofs_format.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs::erofs {

struct RawInode {
  Inode inode;  // mode, owner, time and device: no attributes and no contents yet
  std::uint32_t links = 0;
  std::uint64_t size = 0;
  Layout layout = Layout::flat_plain;
  std::uint32_t detail = 0;  // i_u: the first block, the device, or the size of chunks
  std::uint64_t xattrs_at = 0;
  std::uint64_t xattrs_size = 0;

  [[nodiscard]] std::uint64_t tail_at() const { return xattrs_at + xattrs_size; }
};

struct RawDirent {
  std::string_view name;
  std::uint64_t nid;
  FileType type;
};

// The error of everything here: Code::image_malformed.
[[nodiscard]] tl::unexpected<Error> malformed(std::string what);

// In an image nothing lies in two places at once, so the attributes, data and directories that a reader gives
// are together never more bytes than there are: a small image that uses the same bytes again and again does
// not grow to a large tree. To read the same part twice may therefore fail; inodes are free.
class Reader {
 public:
  // Checks the headers. The image and the tree, which keeps the extended attributes, must outlive the reader.
  [[nodiscard]] static Result<Reader> open(std::string_view image, FileTree& tree);

  [[nodiscard]] unsigned format() const noexcept { return format_; }  // 0, 1 or 2
  [[nodiscard]] std::uint64_t root_nid() const noexcept { return root_nid_; }

  [[nodiscard]] Result<RawInode> inode(std::uint64_t nid) const;

  // Sorted by name, none twice.
  [[nodiscard]] Result<std::vector<const Xattr*>> xattrs(const RawInode& raw);

  // The data that an image holds itself: whole blocks, and the tail behind the inode. Views into the image.
  [[nodiscard]] Result<std::array<std::string_view, 2>> data(const RawInode& raw);

  // The entries of a directory with "." and "..", if they are there: names of 1 to 255 bytes in order, none
  // twice, without '/' and NUL, as the kernel relies on when it searches one.
  [[nodiscard]] Result<std::vector<RawDirent>> dirents(const RawInode& directory);

  // Whether all chunks of a file are holes: its contents lie in an object.
  [[nodiscard]] Result<> check_chunks(const RawInode& file);

 private:
  Reader(std::string_view image, FileTree& tree) : image_(image), tree_(&tree), unread_(image.size()) {}

  Result<> read_headers();
  Result<const Xattr*> shared_xattr(std::uint32_t id);
  [[nodiscard]] Result<std::pair<const Xattr*, std::uint64_t>> xattr(std::string_view bytes) const;
  [[nodiscard]] Result<std::string_view> look(std::uint64_t offset, std::uint64_t size) const;
  Result<std::string_view> take(std::uint64_t offset, std::uint64_t size);

  std::string_view image_;
  FileTree* tree_;
  std::uint64_t unread_;
  unsigned format_ = 0;
  std::uint64_t root_nid_ = 0;
  std::uint64_t inodes_at_ = 0;
  std::uint64_t shared_at_ = 0;
  std::int64_t build_sec_ = 0;
  std::uint32_t build_nsec_ = 0;
  std::unordered_map<std::uint32_t, const Xattr*> shared_;
};

}  // namespace cfs::erofs
