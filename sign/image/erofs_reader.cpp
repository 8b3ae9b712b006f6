// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/erofs_reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <string>

#include "cfs/base/text.hpp"
#include "cfs/image/erofs_xattr.hpp"

namespace cfs::erofs {

namespace {

constexpr unsigned newest_format = 2;
constexpr std::uint32_t nsec_end = 1'000'000'000;

// The number at an offset that is known to lie in `bytes`.
template <std::unsigned_integral N>
N number_at(std::string_view bytes, std::uint64_t offset) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(N); ++i) {
    number |= std::uint64_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  }
  return static_cast<N>(number);
}

}  // namespace

tl::unexpected<Error> malformed(std::string what) {
  return fail(Code::image_malformed, std::move(what));
}

Result<Reader> Reader::open(std::string_view image, FileTree& tree) {
  Reader reader(image, tree);
  CFS_TRY(reader.read_headers());
  return reader;
}

Result<std::string_view> Reader::look(std::uint64_t offset, std::uint64_t size) const {
  if (offset > image_.size() || size > image_.size() - offset) {
    return malformed("something lies past the end of the image");
  }
  return image_.substr(offset, size);
}

Result<std::string_view> Reader::take(std::uint64_t offset, std::uint64_t size) {
  const std::string_view bytes = CFS_TRY(look(offset, size));
  if (size > unread_) {
    return malformed("the same bytes are used more than once");
  }
  unread_ -= size;
  return bytes;
}

Result<> Reader::read_headers() {
  const std::string_view head = CFS_TRY(look(0, super_offset + super_size));
  if (number_at<std::uint32_t>(head, 0) != composefs_magic ||
      number_at<std::uint32_t>(head, 4) != composefs_version) {
    return malformed("it has no composefs header");
  }
  format_ = number_at<std::uint32_t>(head, 12);
  if (format_ > newest_format) {
    return malformed(cat("its format is ", format_, ", and the newest known is ", newest_format));
  }
  const std::string_view super = head.substr(super_offset);
  // Features, the size of directory blocks and long attribute prefixes would change how the rest is read.
  if (number_at<std::uint32_t>(super, 0) != super_magic || super[12] != block_bits || super[13] != 0 ||
      number_at<std::uint32_t>(super, 80) != 0 || super[90] != 0 || super[91] != 0) {
    return malformed("its EROFS superblock is not as composefs writes it");
  }
  root_nid_ = number_at<std::uint16_t>(super, 14);
  build_sec_ = static_cast<std::int64_t>(number_at<std::uint64_t>(super, 24));
  build_nsec_ = number_at<std::uint32_t>(super, 32);
  inodes_at_ = number_at<std::uint32_t>(super, 40) * block_size;
  shared_at_ = number_at<std::uint32_t>(super, 44) * block_size;
  return {};
}

Result<RawInode> Reader::inode(std::uint64_t nid) const {
  if (nid > image_.size() / slot_size) {
    return malformed("its inode lies past the end of the image");
  }
  const std::uint64_t at = inodes_at_ + nid * slot_size;
  const std::string_view compact = CFS_TRY(look(at, compact_inode_size));
  const auto format = number_at<std::uint16_t>(compact, 0);
  const bool extended = (format & 1U) != 0;
  RawInode raw;
  raw.layout = static_cast<Layout>(format >> 1);
  Inode& inode = raw.inode;
  inode.mode = number_at<std::uint16_t>(compact, 4);
  raw.detail = number_at<std::uint32_t>(compact, 16);
  if (inode.is(S_IFCHR) || inode.is(S_IFBLK)) {
    inode.rdev = raw.detail;
  }
  raw.xattrs_at = at + (extended ? extended_inode_size : compact_inode_size);
  if (const auto count = number_at<std::uint16_t>(compact, 2); count != 0) {
    raw.xattrs_size = xattr_header_size + (count - 1) * xattr_shared_id_size;
  }
  if (extended) {
    const std::string_view all = CFS_TRY(look(at, extended_inode_size));
    raw.size = number_at<std::uint64_t>(all, 8);
    raw.links = number_at<std::uint32_t>(all, 44);
    inode.uid = number_at<std::uint32_t>(all, 24);
    inode.gid = number_at<std::uint32_t>(all, 28);
    inode.mtime_sec = static_cast<std::int64_t>(number_at<std::uint64_t>(all, 32));
    inode.mtime_nsec = number_at<std::uint32_t>(all, 40);
  } else {
    raw.size = number_at<std::uint32_t>(compact, 8);
    raw.links = number_at<std::uint16_t>(compact, 6);
    inode.uid = number_at<std::uint16_t>(compact, 24);
    inode.gid = number_at<std::uint16_t>(compact, 26);
    inode.mtime_sec = build_sec_;
    inode.mtime_nsec = build_nsec_;
  }
  if (file_type(inode.mode) == FileType::unknown || inode.mtime_nsec >= nsec_end || raw.links == 0) {
    return malformed("its inode has no type, no links or no time");
  }
  return raw;
}

// One attribute at the start of `bytes`, and how many bytes it takes.
Result<std::pair<const Xattr*, std::uint64_t>> Reader::xattr(std::string_view bytes) const {
  if (bytes.size() < xattr_entry_header_size) {
    return malformed("an extended attribute is cut short");
  }
  const std::size_t name_size = number_at<std::uint8_t>(bytes, 0);
  const std::size_t value_size = number_at<std::uint16_t>(bytes, 2);
  const std::size_t size = xattr_entry_header_size + name_size + value_size;
  if (size > bytes.size()) {
    return malformed("an extended attribute is cut short");
  }
  const std::string_view rest = bytes.substr(xattr_entry_header_size, name_size);
  const auto name = full_name(number_at<std::uint8_t>(bytes, 1), rest);
  if (!name || name->find('\0') != std::string::npos) {
    return malformed("the name of an extended attribute is invalid");
  }
  const Xattr* known = tree_->intern(*name, bytes.substr(xattr_entry_header_size + name_size, value_size));
  return std::pair(known, round_up(size, 4));
}

Result<const Xattr*> Reader::shared_xattr(std::uint32_t id) {
  if (const auto known = shared_.find(id); known != shared_.end()) {
    return known->second;
  }
  const std::uint64_t at = shared_at_ + std::uint64_t{id} * 4;
  if (at > image_.size()) {
    return malformed("a shared extended attribute lies past the end of the image");
  }
  const auto [found, size] = CFS_TRY(xattr(image_.substr(at)));
  CFS_TRY(take(at, std::min(size, image_.size() - at)));
  shared_.emplace(id, found);
  return found;
}

Result<std::vector<const Xattr*>> Reader::xattrs(const RawInode& raw) {
  std::vector<const Xattr*> xattrs;
  if (raw.xattrs_size == 0) {
    return xattrs;
  }
  std::string_view bytes = CFS_TRY(take(raw.xattrs_at, raw.xattrs_size));
  const std::size_t shared = number_at<std::uint8_t>(bytes, 4);
  bytes.remove_prefix(xattr_header_size);
  if (shared * xattr_shared_id_size > bytes.size()) {
    return malformed("its extended attributes are cut short");
  }
  for (std::size_t i = 0; i < shared; ++i) {
    xattrs.push_back(CFS_TRY(shared_xattr(number_at<std::uint32_t>(bytes, 0))));
    bytes.remove_prefix(xattr_shared_id_size);
  }
  while (!bytes.empty()) {
    const auto [own, size] = CFS_TRY(xattr(bytes));
    xattrs.push_back(own);
    bytes.remove_prefix(std::min<std::size_t>(size, bytes.size()));
  }
  std::ranges::sort(xattrs, {}, &Xattr::name);
  if (std::ranges::adjacent_find(xattrs, {}, &Xattr::name) != xattrs.end()) {
    return malformed("an extended attribute is there twice");
  }
  return xattrs;
}

Result<std::array<std::string_view, 2>> Reader::data(const RawInode& raw) {
  if (raw.layout != Layout::flat_plain && raw.layout != Layout::flat_inline) {
    return malformed("its data lies in a form that composefs does not use");
  }
  if (raw.size > image_.size()) {
    return malformed("it is larger than the image");
  }
  const std::uint64_t tail = raw.layout == Layout::flat_inline ? raw.size % block_size : 0;
  std::array<std::string_view, 2> data;
  if (const std::uint64_t whole = raw.size - tail; whole != 0) {
    data[0] = CFS_TRY(take(raw.detail * block_size, whole));
  }
  if (tail != 0) {
    if (raw.tail_at() % block_size + tail > block_size) {
      return malformed("the end of its data crosses the boundary of a block");
    }
    data[1] = CFS_TRY(take(raw.tail_at(), tail));
  }
  return data;
}

Result<std::vector<RawDirent>> Reader::dirents(const RawInode& directory) {
  std::vector<RawDirent> entries;
  const auto parts = CFS_TRY(data(directory));
  for (std::string_view part : parts) {
    while (!part.empty()) {
      const std::string_view block = part.substr(0, block_size);
      part.remove_prefix(block.size());
      if (block.size() < dirent_size) {
        return malformed("a directory block is cut short");
      }
      const std::uint64_t records = number_at<std::uint16_t>(block, 8);
      if (records == 0 || records % dirent_size != 0 || records >= block.size()) {
        return malformed("the names of a directory begin in the wrong place");
      }
      for (std::uint64_t at = 0; at < records; at += dirent_size) {
        const std::uint64_t begin = number_at<std::uint16_t>(block, at + 8);
        const bool last = at + dirent_size == records;
        const std::uint64_t end = last ? block.size() : number_at<std::uint16_t>(block, at + dirent_size + 8);
        if (begin < records || begin >= end || end > block.size()) {
          return malformed("the names of a directory overlap");
        }
        std::string_view name = block.substr(begin, end - begin);
        name = last ? name.substr(0, name.find('\0')) : name;
        if (name.empty() || name.size() > 255 || name.find('\0') != std::string_view::npos ||
            name.find('/') != std::string_view::npos) {
          return malformed("a name in a directory is invalid");
        }
        if (!entries.empty() && entries.back().name >= name) {
          return malformed(cat(printable(name), ": a name that is there twice or not in order"));
        }
        entries.push_back({name, number_at<std::uint64_t>(block, at),
                           static_cast<FileType>(number_at<std::uint8_t>(block, at + 10))});
      }
    }
  }
  return entries;
}

Result<> Reader::check_chunks(const RawInode& file) {
  const unsigned chunk_bits = block_bits + (file.detail & 31U);
  if (file.size == 0 || file.detail > 31U || file.size > std::numeric_limits<std::uint64_t>::max() / 2) {
    return malformed("its chunks are not those of composefs");
  }
  const std::uint64_t chunks = ((file.size - 1) >> chunk_bits) + 1;
  // mkcomposefs puts the longest tables where the kernel does not look for them: such files cannot be read
  // through a mount, but the image says all the same what they are.
  const bool is_misplaced = chunks * chunk_entry_size > block_size - slot_size;
  const std::string_view table =
      is_misplaced ? std::string_view() : CFS_TRY(take(file.tail_at(), chunks * chunk_entry_size));
  if (chunks > chunks_max || table.find_first_not_of('\xFF') != std::string_view::npos) {
    return malformed("it has data in the image and in an object");
  }
  return {};
}

}  // namespace cfs::erofs
