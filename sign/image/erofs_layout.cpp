// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/erofs_layout.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <variant>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs::erofs {

namespace {

constexpr std::size_t name_max = 255;
constexpr std::uint64_t tail_max = block_size / 2;

class Planner {
 public:
  explicit Planner(const FileTree& tree) : tree_(tree), layout_(tree) {}

  Result<ImageLayout> run();

 private:
  Result<> put_in_order();
  Result<> check(const Inode& inode);
  void find_oldest();
  void place_all();
  void place_data(InodeId id);

  const FileTree& tree_;
  ImageLayout layout_;
  InodeXattrs scratch_;
};

Result<ImageLayout> Planner::run() {
  CFS_TRY(put_in_order());
  find_oldest();
  place_all();
  return std::move(layout_);
}

Result<> Planner::check(const Inode& inode) {
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

Result<> Planner::put_in_order() {
  CFS_TRY(check(tree_.inodes.front()));
  layout_.order.reserve(tree_.inodes.size());
  layout_.order.push_back(0);
  for (std::size_t next = 0; next < layout_.order.size(); ++next) {
    const InodeId id = layout_.order[next];
    const Inode& inode = tree_.inodes[id];
    layout_.placements[id].number = static_cast<std::uint32_t>(next);
    if (!inode.is(S_IFDIR)) {
      continue;
    }
    std::uint32_t links = 2;
    for (const auto& [name, child] : std::get<Directory>(inode.content)) {
      const bool is_directory = tree_.inodes[child].is(S_IFDIR);
      Placement& placement = layout_.placements[child];
      if (name.empty() || name.size() > name_max) {
        return fail(Code::unsupported_input, cat(printable(name), ": a name of ", name.size(), " bytes"));
      }
      if (is_directory && placement.links != 0) {
        return fail(Code::unsupported_input, cat(printable(name), ": a directory with two names"));
      }
      if (placement.links++ == 0) {
        CFS_TRY_IN(check(tree_.inodes[child]), printable(name));
        placement.parent = id;
        layout_.order.push_back(child);
      }
      links += is_directory ? 1U : 0U;
    }
    layout_.placements[id].links = links;
  }
  for (const InodeId id : layout_.order) {
    const Inode& inode = tree_.inodes[id];
    if (inode.links != 0 && !inode.is(S_IFDIR)) {
      layout_.placements[id].links = inode.links;
    }
  }
  return {};
}

void Planner::find_oldest() {
  const auto time = [](const Inode& inode) { return std::tuple(inode.mtime_sec, inode.mtime_nsec); };
  const auto oldest = std::ranges::min(layout_.order, {}, [&](InodeId id) { return time(tree_.inodes[id]); });
  std::tie(layout_.oldest_sec, layout_.oldest_nsec) = time(tree_.inodes[oldest]);
}

void Planner::place_data(InodeId id) {
  const Inode& inode = tree_.inodes[id];
  Placement& placement = layout_.placements[id];
  std::uint64_t bytes = 0;
  if (inode.is(S_IFDIR)) {
    const auto entries = dirents(tree_, id, placement.parent);
    const auto blocks = split_into_blocks(entries);
    placement.blocks = static_cast<std::uint32_t>(blocks.size() - 1);  // the last is the tail, for now
    bytes = blocks.back().bytes;
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
std::uint64_t padding(const Inode& inode, Placement& placement, std::uint64_t position) {
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

void Planner::place_all() {
  std::uint64_t position = super_offset + super_size;
  for (const InodeId id : layout_.order) {
    const Inode& inode = tree_.inodes[id];
    Placement& placement = layout_.placements[id];
    place_data(id);
    placement.xattrs = static_cast<std::uint32_t>(xattrs_size(scratch_.of(inode), layout_.shared));
    constexpr auto max16 = std::numeric_limits<std::uint16_t>::max();
    placement.compact = inode.mtime_sec == layout_.oldest_sec && inode.mtime_nsec == layout_.oldest_nsec &&
                        placement.links <= max16 && inode.uid <= max16 && inode.gid <= max16 &&
                        size_of(inode, placement) <= std::numeric_limits<std::uint32_t>::max();
    position = round_up(position, slot_size);
    position += padding(inode, placement, position);
    placement.position = position;
    position += placement.inode_size() + placement.xattrs + placement.tail;
    layout_.data_blocks += placement.blocks;
  }
  layout_.inodes_end = round_up(position, slot_size);
  layout_.data_start = round_up(layout_.inodes_end + layout_.shared.bytes().size(), block_size);
}

}  // namespace

Result<ImageLayout> lay_out(const FileTree& tree) {
  return Planner(tree).run();
}

std::uint64_t size_of(const Inode& inode, const Placement& placement) {
  if (inode.is(S_IFDIR)) {
    return placement.blocks * block_size + placement.tail;
  }
  if (const auto* text = std::get_if<std::string>(&inode.content)) {
    return text->size();
  }
  const auto* file = std::get_if<ExternalFile>(&inode.content);
  return file != nullptr ? file->size : 0;
}

Chunks chunks_of(std::uint64_t size) {
  const unsigned bits =
      std::clamp(static_cast<unsigned>(std::bit_width(size - 1)), block_bits, chunk_bits_max);
  return {bits, (size + (1ULL << bits) - 1) >> bits};
}

std::vector<Dirent> dirents(const FileTree& tree, InodeId directory, InodeId parent) {
  const auto& children = std::get<Directory>(tree.inodes[directory].content);
  std::vector<Dirent> entries;
  entries.reserve(children.size() + 2);
  for (const auto& [name, child] : children) {
    entries.push_back({name, child});
  }
  // Not always the first: "!" and "-" sort before them.
  for (const Dirent self : {Dirent{".", directory}, Dirent{"..", parent}}) {
    entries.insert(std::ranges::lower_bound(entries, self.name, {}, &Dirent::name), self);
  }
  return entries;
}

std::vector<DirentBlock> split_into_blocks(std::span<const Dirent> entries) {
  std::vector<DirentBlock> blocks;
  std::size_t first = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::uint64_t size = dirent_size + entries[i].name.size();
    if (bytes + size > block_size) {
      blocks.push_back({entries.subspan(first, i - first), bytes});
      first = i;
      bytes = 0;
    }
    bytes += size;
  }
  blocks.push_back({entries.subspan(first), bytes});
  return blocks;
}

}  // namespace cfs::erofs
