// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/erofs_image.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "cfs/image/erofs_format.hpp"
#include "cfs/image/erofs_layout.hpp"
#include "cfs/image/erofs_xattr.hpp"

namespace cfs {

namespace {

using namespace erofs;

class Writer {
 public:
  Writer(const FileTree& tree, ImageFormat format, const ImageLayout& layout)
      : tree_(tree), format_(format), layout_(layout) {}

  std::string write();

 private:
  void append_headers();
  void append_inode(InodeId id);
  void append_tail(InodeId id);
  void append_blocks(InodeId id);
  void append_holes(std::uint64_t bytes);
  void append_dirents(std::span<const Dirent> entries);
  void pad_to(std::uint64_t position) { out_.resize(position); }

  const FileTree& tree_;
  ImageFormat format_;
  const ImageLayout& layout_;
  InodeXattrs scratch_;
  std::uint32_t next_block_ = 0;  // of the data of the inode being written
  std::string out_;
};

std::string Writer::write() {
  out_.reserve(layout_.data_start + layout_.data_blocks * block_size);
  append_headers();
  next_block_ = static_cast<std::uint32_t>(layout_.data_start / block_size);
  for (const InodeId id : layout_.order) {
    append_inode(id);
    append_tail(id);
  }
  pad_to(layout_.inodes_end);
  out_ += layout_.shared.bytes();
  pad_to(layout_.data_start);
  for (const InodeId id : layout_.order) {
    append_blocks(id);
  }
  return std::move(out_);
}

void Writer::append_headers() {
  const bool has_acl = std::ranges::any_of(tree_.inodes, [](const Inode& inode) {
    return std::ranges::any_of(inode.xattrs, [](const Xattr* xattr) {
      return xattr->name == "system.posix_acl_access" || xattr->name == "system.posix_acl_default";
    });
  });
  append_le(out_, composefs_magic);
  append_le(out_, composefs_version);
  append_le(out_, has_acl ? composefs_has_acl : 0U);
  append_le(out_, static_cast<std::uint32_t>(format_));

  pad_to(super_offset);
  append_le(out_, super_magic);
  append_le(out_, std::uint32_t{0});  // checksum: none
  append_le(out_, feature_compat_mtime | feature_compat_xattr_filter);
  append_le(out_, static_cast<std::uint8_t>(block_bits));
  append_le(out_, std::uint8_t{0});  // extension slots
  append_le(out_, static_cast<std::uint16_t>(layout_.placements[0].nid()));
  append_le(out_, static_cast<std::uint64_t>(layout_.order.size()));
  append_le(out_, static_cast<std::uint64_t>(layout_.oldest_sec));
  append_le(out_, layout_.oldest_nsec);
  append_le(out_, static_cast<std::uint32_t>(layout_.data_start / block_size + layout_.data_blocks));
  append_le(out_, std::uint32_t{0});  // meta_blkaddr
  append_le(out_, static_cast<std::uint32_t>(layout_.inodes_end / block_size));
  pad_to(super_offset + super_size);
}

void Writer::append_inode(InodeId id) {
  const Inode& inode = tree_.inodes[id];
  const Placement& placement = layout_.placements[id];
  const auto* file = std::get_if<ExternalFile>(&inode.content);
  const Layout layout = file != nullptr       ? Layout::chunk_based
                        : placement.tail != 0 ? Layout::flat_inline
                                              : Layout::flat_plain;
  // i_u: the first data block, the device, or the size of chunks.
  std::uint32_t detail = 0;
  if (file != nullptr) {
    detail = chunks_of(file->size).bits - block_bits;
  } else if (inode.is(S_IFCHR) || inode.is(S_IFBLK)) {
    detail = inode.rdev;
  } else if (placement.blocks != 0) {
    detail = next_block_;
  }
  next_block_ += placement.blocks;
  const auto format =
      static_cast<std::uint16_t>(static_cast<unsigned>(layout) << 1 | (placement.compact ? 0U : 1U));
  const auto xattr_count =
      static_cast<std::uint16_t>(placement.xattrs == 0 ? 0 : (placement.xattrs - xattr_header_size) / 4 + 1);
  const std::uint64_t size = size_of(inode, placement);

  pad_to(placement.position);
  append_le(out_, format);
  append_le(out_, xattr_count);
  append_le(out_, static_cast<std::uint16_t>(inode.mode));
  if (placement.compact) {
    append_le(out_, static_cast<std::uint16_t>(placement.links));
    append_le(out_, static_cast<std::uint32_t>(size));
    append_le(out_, std::uint32_t{0});
    append_le(out_, detail);
    append_le(out_, placement.number);
    append_le(out_, static_cast<std::uint16_t>(inode.uid));
    append_le(out_, static_cast<std::uint16_t>(inode.gid));
    append_le(out_, std::uint32_t{0});
  } else {
    append_le(out_, std::uint16_t{0});
    append_le(out_, size);
    append_le(out_, detail);
    append_le(out_, placement.number);
    append_le(out_, std::uint32_t{inode.uid});
    append_le(out_, std::uint32_t{inode.gid});
    append_le(out_, static_cast<std::uint64_t>(inode.mtime_sec));
    append_le(out_, inode.mtime_nsec);
    append_le(out_, placement.links);
    out_.append(16, '\0');
  }
  append_xattrs(out_, scratch_.of(inode), layout_.shared, layout_.inodes_end);
}

void Writer::append_tail(InodeId id) {
  const Inode& inode = tree_.inodes[id];
  const Placement& placement = layout_.placements[id];
  if (placement.tail == 0) {
    return;
  }
  if (inode.is(S_IFDIR)) {
    const auto entries = dirents(tree_, id, placement.parent);
    append_dirents(split_into_blocks(entries).back().entries);
  } else if (const auto* text = std::get_if<std::string>(&inode.content)) {
    out_ += std::string_view(*text).substr(text->size() - placement.tail);
  } else {
    append_holes(placement.tail);
  }
}

void Writer::append_blocks(InodeId id) {
  const Inode& inode = tree_.inodes[id];
  const Placement& placement = layout_.placements[id];
  if (placement.blocks == 0) {
    return;
  }
  if (inode.is(S_IFDIR)) {
    const auto entries = dirents(tree_, id, placement.parent);
    const auto blocks = split_into_blocks(entries);
    for (const DirentBlock& block : std::span(blocks).first(placement.blocks)) {
      append_dirents(block.entries);
      pad_to(round_up(out_.size(), block_size));
    }
  } else if (std::holds_alternative<ExternalFile>(inode.content)) {
    append_holes(placement.blocks * block_size);
  } else {
    out_ += std::string_view(std::get<std::string>(inode.content)).substr(0, placement.blocks * block_size);
    pad_to(round_up(out_.size(), block_size));
  }
}

// A table of chunks that all are holes.
void Writer::append_holes(std::uint64_t bytes) {
  for (std::uint64_t i = 0; i < bytes / chunk_entry_size; ++i) {
    append_le(out_, null_block);
  }
}

// A block of a directory, or its tail: records of fixed size, then the names.
void Writer::append_dirents(std::span<const Dirent> entries) {
  std::uint64_t name_offset = entries.size() * dirent_size;
  for (const auto& [name, inode] : entries) {
    append_le(out_, layout_.placements[inode].nid());
    append_le(out_, static_cast<std::uint16_t>(name_offset));
    append_le(out_, static_cast<std::uint8_t>(file_type(tree_.inodes[inode].mode)));
    append_le(out_, std::uint8_t{0});
    name_offset += name.size();
  }
  for (const Dirent& entry : entries) {
    out_ += entry.name;
  }
}

}  // namespace

Result<std::string> erofs_image(FileTree tree, std::optional<ImageFormat> format) {
  if (tree.inodes.empty() || !std::holds_alternative<Directory>(tree.inodes.front().content)) {
    return fail(Code::unsupported_input, "the root is not a directory");
  }
  const ImageFormat written = format.value_or(usual_format(tree));
  make_overlay_tree(tree, written);
  const ImageLayout layout = CFS_TRY(lay_out(tree));
  return Writer(tree, written, layout).write();
}

}  // namespace cfs
