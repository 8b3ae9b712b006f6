#include "cfs/erofs_image.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "cfs/erofs_format.hpp"
#include "cfs/erofs_xattr.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

using namespace erofs;

constexpr std::size_t name_max = 255;
constexpr std::size_t link_target_max = 4095;
constexpr std::uint64_t tail_max = block_size / 2;

// Where an inode lies in the image, and what is derived for it.
struct Placement {
  std::uint64_t position = 0;  // byte offset
  std::uint32_t number = 0;    // in order of writing; i_ino
  std::uint32_t links = 0;     // 0: not reached yet
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

// An entry of a directory as the image has it, with "." and "..".
struct Dirent {
  std::string_view name;
  InodeId inode;
};

// The chunks by which a file's size is expressed, as few as there can be.
struct Chunks {
  unsigned bits;
  std::uint64_t count;
};

Chunks chunks_of(std::uint64_t size) {
  const unsigned bits =
      std::clamp(static_cast<unsigned>(std::bit_width(size - 1)), block_bits, chunk_bits_max);
  return {bits, (size + (1ULL << bits) - 1) >> bits};
}

// Splits a directory's entries into blocks: calls take(entries, bytes) for each.
template <class Take>
void split_into_blocks(std::span<const Dirent> entries, Take take) {
  std::size_t first = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t size = dirent_size + entries[i].name.size();
    if (bytes + size > block_size) {
      take(entries.subspan(first, i - first), bytes);
      first = i;
      bytes = 0;
    }
    bytes += size;
  }
  take(entries.subspan(first), bytes);
}

class Writer {
 public:
  Writer(const FileTree& tree, ImageFormat format)
      : tree_(tree), format_(format), placements_(tree.inodes.size()), shared_(tree) {}

  Result<std::string> write();

 private:
  Result<> put_in_order();
  Result<> check(const Inode& inode);
  void find_oldest();
  void place_all();
  void place_data(const Inode& inode, Placement& placement) const;
  [[nodiscard]] std::uint64_t padding(const Inode& inode, Placement& placement, std::uint64_t position) const;

  void append_headers();
  void append_inode(InodeId id);
  void append_tail(InodeId id);
  void append_blocks(InodeId id);
  void append_holes(std::uint64_t bytes);
  void append_dirents(std::span<const Dirent> entries);

  [[nodiscard]] std::vector<Dirent> dirents(InodeId id) const;
  [[nodiscard]] std::uint64_t size_of(const Inode& inode, const Placement& placement) const;
  void pad_to(std::uint64_t position) { out_.resize(position); }

  const FileTree& tree_;
  ImageFormat format_;
  std::vector<Placement> placements_;  // by inode
  std::vector<InodeId> order_;         // breadth first
  SharedXattrs shared_;
  InodeXattrs scratch_;
  std::int64_t oldest_sec_ = 0;
  std::uint32_t oldest_nsec_ = 0;
  std::uint64_t inodes_end_ = 0;
  std::uint64_t data_start_ = 0;
  std::uint64_t data_blocks_ = 0;
  std::uint32_t next_block_ = 0;  // of the data of the inode being written
  std::string out_;
};

Result<std::string> Writer::write() {
  CFS_TRY(put_in_order());
  find_oldest();
  place_all();
  out_.reserve(data_start_ + data_blocks_ * block_size);
  append_headers();
  next_block_ = static_cast<std::uint32_t>(data_start_ / block_size);
  for (const InodeId id : order_) {
    append_inode(id);
    append_tail(id);
  }
  pad_to(inodes_end_);
  out_ += shared_.bytes();
  pad_to(data_start_);
  for (const InodeId id : order_) {
    append_blocks(id);
  }
  return std::move(out_);
}

Result<> Writer::check(const Inode& inode) {
  const auto* text = std::get_if<std::string>(&inode.content);
  const auto* file = std::get_if<ExternalFile>(&inode.content);
  const bool plain = std::holds_alternative<std::monostate>(inode.content);
  bool fits = plain;
  if (inode.is(S_IFDIR)) {
    fits = std::holds_alternative<Directory>(inode.content);
  } else if (inode.is(S_IFLNK)) {
    fits = text != nullptr && !text->empty() && text->size() <= link_target_max;
  } else if (inode.is(S_IFREG)) {
    fits = plain || text != nullptr ||
           (file != nullptr && file->size > 0 && chunks_of(file->size).count <= chunks_max);
  }
  if (!fits || file_type(inode.mode) == FileType::unknown) {
    return fail(Code::unsupported_input, "its contents cannot be represented in an image");
  }
  if (!xattrs_fit(scratch_.of(inode))) {
    return fail(Code::unsupported_input, "it has more extended attributes than an image can hold");
  }
  return {};
}

Result<> Writer::put_in_order() {
  CFS_TRY(check(tree_.inodes.front()));
  order_.reserve(tree_.inodes.size());
  order_.push_back(0);
  for (std::size_t next = 0; next < order_.size(); ++next) {
    const InodeId id = order_[next];
    const Inode& inode = tree_.inodes[id];
    placements_[id].number = static_cast<std::uint32_t>(next);
    if (!inode.is(S_IFDIR)) {
      continue;
    }
    std::uint32_t links = 2;
    for (const auto& [name, child] : std::get<Directory>(inode.content)) {
      const bool is_directory = tree_.inodes[child].is(S_IFDIR);
      Placement& placement = placements_[child];
      if (name.empty() || name.size() > name_max) {
        return fail(Code::unsupported_input, cat(printable(name), ": a name of ", name.size(), " bytes"));
      }
      if (is_directory && placement.links != 0) {
        return fail(Code::unsupported_input, cat(printable(name), ": a directory with two names"));
      }
      if (placement.links++ == 0) {
        CFS_TRY_IN(check(tree_.inodes[child]), printable(name));
        placement.parent = id;
        order_.push_back(child);
      }
      links += is_directory ? 1U : 0U;
    }
    placements_[id].links = links;
  }
  for (const InodeId id : order_) {
    const Inode& inode = tree_.inodes[id];
    if (inode.links != 0 && !inode.is(S_IFDIR)) {
      placements_[id].links = inode.links;
    }
  }
  return {};
}

void Writer::find_oldest() {
  const auto time = [](const Inode& inode) { return std::tuple(inode.mtime_sec, inode.mtime_nsec); };
  const auto oldest = std::ranges::min(order_, {}, [&](InodeId id) { return time(tree_.inodes[id]); });
  std::tie(oldest_sec_, oldest_nsec_) = time(tree_.inodes[oldest]);
}

std::vector<Dirent> Writer::dirents(InodeId id) const {
  const auto& children = std::get<Directory>(tree_.inodes[id].content);
  std::vector<Dirent> entries;
  entries.reserve(children.size() + 2);
  for (const auto& [name, child] : children) {
    entries.push_back({name, child});
  }
  // Not always the first: "!" and "-" sort before them.
  for (const Dirent self : {Dirent{".", id}, Dirent{"..", placements_[id].parent}}) {
    entries.insert(std::ranges::lower_bound(entries, self.name, {}, &Dirent::name), self);
  }
  return entries;
}

std::uint64_t Writer::size_of(const Inode& inode, const Placement& placement) const {
  if (inode.is(S_IFDIR)) {
    return placement.blocks * block_size + placement.tail;
  }
  if (const auto* text = std::get_if<std::string>(&inode.content)) {
    return text->size();
  }
  const auto* file = std::get_if<ExternalFile>(&inode.content);
  return file != nullptr ? file->size : 0;
}

void Writer::place_data(const Inode& inode, Placement& placement) const {
  std::uint64_t bytes = 0;
  if (inode.is(S_IFDIR)) {
    const auto id = order_[placement.number];
    split_into_blocks(dirents(id), [&](std::span<const Dirent>, std::uint64_t size) {
      placement.blocks += 1;
      bytes = size;
    });
    placement.blocks -= 1;  // the last is the tail, for now
  } else if (const auto* text = std::get_if<std::string>(&inode.content)) {
    placement.blocks = inode.is(S_IFLNK) ? 0 : static_cast<std::uint32_t>(text->size() / block_size);
    bytes = text->size() - placement.blocks * block_size;
  } else if (const auto* file = std::get_if<ExternalFile>(&inode.content)) {
    bytes = chunks_of(file->size).count * chunk_entry_size;
  }
  const bool is_chunk_table = std::holds_alternative<ExternalFile>(inode.content);
  if (bytes > tail_max && !inode.is(S_IFLNK) && !is_chunk_table) {
    placement.blocks += 1;
    bytes = 0;
  }
  placement.tail = static_cast<std::uint32_t>(bytes);
}

// What goes before an inode at `position` so that its tail does not cross a block boundary.
std::uint64_t Writer::padding(const Inode& inode, Placement& placement, std::uint64_t position) const {
  const std::uint64_t before_tail = placement.inode_size() + placement.xattrs;
  if (inode.is(S_IFLNK)) {
    // The kernel's fast path for links wants inode and target in one block. One that cannot have that gets a
    // block of its own; mkcomposefs moves its inode all the same.
    const std::uint64_t total = before_tail + placement.tail;
    if (total >= block_size) {
      placement.blocks = 1;
      placement.tail = 0;
    }
    const bool crosses = position / block_size != (position + total - 1) / block_size;
    return crosses ? round_up(position, block_size) - position : 0;
  }
  const std::uint64_t room = block_size - (position + before_tail) % block_size;
  if (room >= placement.tail) {
    return 0;
  }
  // Rounded to whole slots the tail begins less than a slot into the next block: half a block always fits
  // there, the longest tables of chunks need not. mkcomposefs puts those into a block of their own.
  const std::uint64_t pad = round_up(room, slot_size);
  if (pad - room + placement.tail > block_size) {
    placement.blocks = 1;
    placement.tail = 0;
    return round_up(position, block_size) - position;
  }
  return pad;
}

void Writer::place_all() {
  std::uint64_t position = super_offset + super_size;
  for (const InodeId id : order_) {
    const Inode& inode = tree_.inodes[id];
    Placement& placement = placements_[id];
    place_data(inode, placement);
    placement.xattrs = static_cast<std::uint32_t>(xattrs_size(scratch_.of(inode), shared_));
    constexpr auto max16 = std::numeric_limits<std::uint16_t>::max();
    placement.compact = inode.mtime_sec == oldest_sec_ && inode.mtime_nsec == oldest_nsec_ &&
                        placement.links <= max16 && inode.uid <= max16 && inode.gid <= max16 &&
                        size_of(inode, placement) <= std::numeric_limits<std::uint32_t>::max();
    position = round_up(position, slot_size);
    position += padding(inode, placement, position);
    placement.position = position;
    position += placement.inode_size() + placement.xattrs + placement.tail;
    data_blocks_ += placement.blocks;
  }
  inodes_end_ = round_up(position, slot_size);
  data_start_ = round_up(inodes_end_ + shared_.bytes().size(), block_size);
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
  append_le(out_, static_cast<std::uint16_t>(placements_[0].nid()));
  append_le(out_, static_cast<std::uint64_t>(order_.size()));
  append_le(out_, static_cast<std::uint64_t>(oldest_sec_));
  append_le(out_, oldest_nsec_);
  append_le(out_, static_cast<std::uint32_t>(data_start_ / block_size + data_blocks_));
  append_le(out_, std::uint32_t{0});  // meta_blkaddr
  append_le(out_, static_cast<std::uint32_t>(inodes_end_ / block_size));
  pad_to(super_offset + super_size);
}

void Writer::append_inode(InodeId id) {
  const Inode& inode = tree_.inodes[id];
  const Placement& placement = placements_[id];
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
  append_xattrs(out_, scratch_.of(inode), shared_, inodes_end_);
}

void Writer::append_tail(InodeId id) {
  const Inode& inode = tree_.inodes[id];
  const Placement& placement = placements_[id];
  if (placement.tail == 0) {
    return;
  }
  if (inode.is(S_IFDIR)) {
    std::uint32_t block = 0;
    split_into_blocks(dirents(id), [&](std::span<const Dirent> entries, std::uint64_t) {
      if (block++ == placement.blocks) {
        append_dirents(entries);
      }
    });
  } else if (const auto* text = std::get_if<std::string>(&inode.content)) {
    out_ += std::string_view(*text).substr(text->size() - placement.tail);
  } else {
    append_holes(placement.tail);
  }
}

void Writer::append_blocks(InodeId id) {
  const Inode& inode = tree_.inodes[id];
  const Placement& placement = placements_[id];
  if (placement.blocks == 0) {
    return;
  }
  if (inode.is(S_IFDIR)) {
    std::uint32_t block = 0;
    split_into_blocks(dirents(id), [&](std::span<const Dirent> entries, std::uint64_t) {
      if (block++ < placement.blocks) {
        append_dirents(entries);
        pad_to(round_up(out_.size(), block_size));
      }
    });
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
    append_le(out_, placements_[inode].nid());
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
  return Writer(tree, written).write();
}

}  // namespace cfs
