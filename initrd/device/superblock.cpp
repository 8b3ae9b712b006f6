// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/superblock.hpp"

#include <array>
#include <string_view>

#include "cfs/base/file.hpp"
#include "cfs/base/little_endian.hpp"
#include "cfs/base/text.hpp"
#include "cfs/device/ext4_settings.hpp"

namespace cfs {

namespace {

using namespace std::string_view_literals;

// Where a superblock lies, how much of it is looked at, and what it says.
struct Format {
  std::uint64_t offset;
  std::size_t size;
  std::optional<Superblock> (*parse)(std::string_view);
};

std::string uuid(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos ? std::string() : uuid_text(bytes);
}

std::string label(std::string_view field) {
  return std::string(trim_end(field.substr(0, field.find('\0'))));
}

// struct ext4_super_block of Linux's fs/ext4/ext4.h.
constexpr std::size_t ext4_size = 136;
std::optional<Superblock> parse_ext4(std::string_view bytes) {
  constexpr std::uint32_t journal_device = 0x8;
  constexpr std::uint32_t incompat_of_ext3 = 0x16;  // filetype, recover, meta_bg
  constexpr std::uint32_t ro_compat_of_ext3 = 0x7;  // sparse_super, large_file, btree_dir
  if (little_endian<std::uint16_t>(bytes, 56) != 0xEF53) {
    return std::nullopt;
  }
  const auto incompat = little_endian<std::uint32_t>(bytes, 96);
  const auto ro_compat = little_endian<std::uint32_t>(bytes, 100);
  if ((incompat & journal_device) != 0 ||
      ((incompat & ~incompat_of_ext3) == 0 && (ro_compat & ~ro_compat_of_ext3) == 0)) {
    return std::nullopt;
  }
  return Superblock{"ext4", uuid(bytes.substr(104, 16)), label(bytes.substr(120, 16))};
}

// struct btrfs_super_block of Linux's uapi/linux/btrfs_tree.h.
constexpr std::size_t btrfs_size = 555;
std::optional<Superblock> parse_btrfs(std::string_view bytes) {
  if (bytes.substr(64, 8) != "_BHRfS_M"sv) {
    return std::nullopt;
  }
  return Superblock{"btrfs", uuid(bytes.substr(32, 16)), label(bytes.substr(299, 256))};
}

// struct f2fs_super_block of Linux's linux/f2fs_fs.h.
constexpr std::size_t f2fs_size = 1148;
std::optional<Superblock> parse_f2fs(std::string_view bytes) {
  if (little_endian<std::uint32_t>(bytes, 0) != 0xF2F52010) {
    return std::nullopt;
  }
  return Superblock{"f2fs", uuid(bytes.substr(108, 16)),
                    std::string(trim_end(from_utf16(bytes.substr(124, 1024))))};
}

constexpr auto formats = std::to_array<Format>({{ext4_superblock_offset, ext4_size, parse_ext4},
                                                {65536, btrfs_size, parse_btrfs},
                                                {1024, f2fs_size, parse_f2fs}});

}  // namespace

std::optional<Superblock> read_superblock(const Fd& device) {
  std::optional<Superblock> found;
  for (const Format& format : formats) {
    std::string bytes(format.size, '\0');
    // What ends before a superblock has none.
    auto superblock = read_exactly(device, format.offset, bytes) ? format.parse(bytes) : std::nullopt;
    if (superblock && found) {
      return std::nullopt;
    }
    if (superblock) {
      found = std::move(superblock);
    }
  }
  return found;
}

Result<std::string> check_file_system(const Fd& device, std::string_view wanted) {
  auto found = read_superblock(device);
  if (!found) {
    return fail(Code::device_unreadable, "it holds no file system that can be a store or a state");
  }
  if (!wanted.empty() && found->file_system != wanted) {
    return fail(Code::file_system_refused, cat("it holds ", found->file_system, " and not ", wanted));
  }
  if (found->file_system == "ext4") {
    std::string bytes(ext4_superblock_size, '\0');
    CFS_TRY(read_exactly(device, ext4_superblock_offset, bytes));
    CFS_TRY(check_ext4_settings(bytes));
  }
  return std::move(found->file_system);
}

}  // namespace cfs
