// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/ext4_settings.hpp"

#include <array>

#include "cfs/base/little_endian.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// EXT4_FEATURE_COMPAT_*
constexpr std::uint32_t has_journal = 0x4;
constexpr std::uint32_t ext_attr = 0x8;
constexpr std::uint32_t resize_inode = 0x10;
constexpr std::uint32_t dir_index = 0x20;
constexpr std::uint32_t orphan_file = 0x1000;  // Debian 13

// EXT4_FEATURE_INCOMPAT_*
constexpr std::uint32_t filetype = 0x2;
constexpr std::uint32_t recover = 0x4;   // the kernel's, until it is unmounted
constexpr std::uint32_t meta_bg = 0x10;  // the kernel's, when it grows a file system far
constexpr std::uint32_t extents = 0x40;
constexpr std::uint32_t blocks_64bit = 0x80;
constexpr std::uint32_t flex_bg = 0x200;
constexpr std::uint32_t metadata_csum_seed = 0x2000;  // Debian 13

// EXT4_FEATURE_RO_COMPAT_*
constexpr std::uint32_t sparse_super = 0x1;
constexpr std::uint32_t large_file = 0x2;
constexpr std::uint32_t huge_file = 0x8;
constexpr std::uint32_t dir_nlink = 0x20;
constexpr std::uint32_t extra_isize = 0x40;
constexpr std::uint32_t metadata_csum = 0x400;
constexpr std::uint32_t verity = 0x8000;
constexpr std::uint32_t orphan_present = 0x10000;  // the kernel's, with orphan_file

// EXT4_DEFM_*
constexpr std::uint32_t user_xattr = 0x4;
constexpr std::uint32_t acl = 0x8;

// EXT2_FLAGS_*, of directory hashes; not EXT2_FLAGS_TEST_FILESYS
constexpr std::uint32_t signed_hash = 0x1;
constexpr std::uint32_t unsigned_hash = 0x2;

// A word of bits in the superblock.
struct Word {
  std::size_t offset;
  std::string_view name;
  std::uint32_t allowed;
};

constexpr auto words = std::to_array<Word>(
    {{92, "compatible features", has_journal | ext_attr | resize_inode | dir_index | orphan_file},
     {96, "incompatible features",
      filetype | recover | meta_bg | extents | blocks_64bit | flex_bg | metadata_csum_seed},
     {100, "read-only compatible features",
      sparse_super | large_file | huge_file | dir_nlink | extra_isize | metadata_csum | verity |
          orphan_present},
     {256, "default mount options", user_xattr | acl},
     {352, "flags", signed_hash | unsigned_hash}});

std::string hexadecimal(std::uint32_t number) {
  const std::array bytes{static_cast<unsigned char>(number >> 24), static_cast<unsigned char>(number >> 16),
                         static_cast<unsigned char>(number >> 8), static_cast<unsigned char>(number)};
  return cat("0x", to_hex(bytes));
}

tl::unexpected<Error> refuse(std::string what) {
  return fail(Code::file_system_refused, std::move(what));
}

}  // namespace

Result<> check_ext4_settings(std::string_view superblock) {
  const auto number = [&](std::size_t offset) { return little_endian<std::uint32_t>(superblock, offset); };
  for (const Word& word : words) {
    if (const std::uint32_t rest = number(word.offset) & ~word.allowed; rest != 0) {
      return refuse(cat("of its ", word.name, " ", hexadecimal(rest), " are not allowed"));
    }
  }
  // As text, applied like what mount(8) is told: tune2fs -E mount_opts.
  constexpr std::size_t mount_options = 512;
  constexpr std::size_t mount_options_size = 64;
  if (superblock.substr(mount_options, mount_options_size).find_first_not_of('\0') !=
      std::string_view::npos) {
    return refuse("it brings mount options of its own");
  }
  // EXT4_ERRORS_PANIC would let whoever damages the disk stop the machine.
  constexpr std::uint16_t errors_continue = 1;
  constexpr std::uint16_t errors_read_only = 2;
  const auto errors = little_endian<std::uint16_t>(superblock, 60);
  if (errors != errors_continue && errors != errors_read_only) {
    return refuse("it asks for something else on errors than to go on or to become read-only");
  }
  // The journal may be a file of the file system; as a device, it would be any of the machine's.
  constexpr std::uint32_t journal_inode = 8;
  const std::uint32_t expected = (number(92) & has_journal) != 0 ? journal_inode : 0;
  if (number(224) != expected || number(228) != 0) {
    return refuse("its journal is not where mke2fs puts it");
  }
  return {};
}

}  // namespace cfs
