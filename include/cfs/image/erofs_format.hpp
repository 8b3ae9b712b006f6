// SPDX-License-Identifier: Apache-2.0
// What composefs uses of the EROFS on-disk format (fs/erofs/erofs_fs.h of Linux). All numbers are
// little-endian.
#pragma once

#include <sys/stat.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

namespace cfs::erofs {

inline constexpr std::uint64_t block_size = 4096;
inline constexpr unsigned block_bits = 12;
inline constexpr std::uint64_t slot_size = 32;  // inodes begin at multiples of it and are numbered by it
inline constexpr std::uint64_t super_offset = 1024;
inline constexpr std::uint64_t super_size = 128;
inline constexpr std::uint32_t super_magic = 0xE0F5E1E2;
inline constexpr std::uint32_t feature_compat_mtime = 0x2;
inline constexpr std::uint32_t feature_compat_xattr_filter = 0x4;

// The composefs header at the start of the image.
inline constexpr std::uint32_t composefs_magic = 0xD078629A;
inline constexpr std::uint32_t composefs_version = 1;
inline constexpr std::uint32_t composefs_has_acl = 0x1;

inline constexpr std::uint64_t compact_inode_size = 32;
inline constexpr std::uint64_t extended_inode_size = 64;
inline constexpr std::uint64_t dirent_size = 12;
inline constexpr std::uint64_t chunk_entry_size = 4;
inline constexpr std::uint32_t null_block = 0xFFFFFFFF;  // a chunk that is a hole
inline constexpr unsigned chunk_bits_max = 31 + block_bits;
inline constexpr std::uint64_t chunks_max = block_size / chunk_entry_size;  // in images of mkcomposefs

// i_format: bit 0 says extended, the layout follows.
enum class Layout : std::uint16_t { flat_plain = 0, flat_inline = 2, chunk_based = 4 };

enum class FileType : std::uint8_t { unknown, regular, directory, character, block, fifo, socket, link };

[[nodiscard]] constexpr FileType file_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::regular;
    case S_IFDIR:
      return FileType::directory;
    case S_IFCHR:
      return FileType::character;
    case S_IFBLK:
      return FileType::block;
    case S_IFIFO:
      return FileType::fifo;
    case S_IFSOCK:
      return FileType::socket;
    case S_IFLNK:
      return FileType::link;
    default:
      return FileType::unknown;
  }
}

inline constexpr std::uint64_t xattr_header_size = 12;
inline constexpr std::uint64_t xattr_entry_header_size = 4;
inline constexpr std::uint64_t xattr_shared_id_size = 4;
inline constexpr std::uint32_t xattr_filter_seed = 0x25BBE08F;

[[nodiscard]] constexpr std::uint64_t round_up(std::uint64_t number, std::uint64_t step) noexcept {
  return (number + step - 1) / step * step;
}

template <std::unsigned_integral N>
void append_le(std::string& out, N number) {
  for (std::size_t i = 0; i < sizeof(N); ++i) {
    out += static_cast<char>(number >> (8 * i) & 0xFF);
  }
}

}  // namespace cfs::erofs
