// SPDX-License-Identifier: Apache-2.0
#include "cfs/disk/ext4.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

// After the standard headers: libext2fs 1.47.2 has a macro of the name of std::clamp.
#include <ext2fs/ext2fs.h>
#undef clamp

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::uint64_t verity_alignment = 65536;
constexpr std::uint64_t bytes_per_inode = 16384;    // as in mke2fs.conf
constexpr std::uint64_t lost_and_found_blocks = 4;  // 16 KiB, as mke2fs makes it
constexpr std::uint16_t inode_size = 256;
constexpr std::uint16_t extra_inode_bytes = 32;     // sizeof(ext2_inode_large) - 128
constexpr std::uint64_t longest_extent = 1U << 15;  // ext4's limit for initialised extents, in blocks
constexpr unsigned groups_per_flex_log = 4;         // as in mke2fs.conf

// What mke2fs gives -t ext4, and verity. The journal's feature is set where there is a journal.
constexpr std::uint32_t compat_features =
    EXT2_FEATURE_COMPAT_EXT_ATTR | EXT2_FEATURE_COMPAT_RESIZE_INODE | EXT2_FEATURE_COMPAT_DIR_INDEX;
constexpr std::uint32_t incompat_features = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS |
                                            EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_FLEX_BG;
constexpr std::uint32_t ro_compat_features =
    EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
    EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |
    EXT4_FEATURE_RO_COMPAT_METADATA_CSUM | EXT4_FEATURE_RO_COMPAT_VERITY;

Result<> check(errcode_t error, std::string_view doing) {
  if (error == 0) {
    return {};
  }
  if (error == EXT2_ET_BLOCK_ALLOC_FAIL || error == EXT2_ET_INODE_ALLOC_FAIL ||
      error == EXT2_ET_TOO_MANY_INODES || error == EXT2_ET_TOOSMALL) {
    return fail(Code::unsupported_input, cat(doing, ": the file system is too small"));
  }
  initialize_ext2_error_table();
  return fail(Code::io_error, cat(doing, ": ", error_message(error)));
}

// Writes everything, at an absolute position.
Result<> put_at(const Fd& image, std::uint64_t position, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(image.get(), bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno(Code::io_error, "write the image");
    }
    position += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

bool all_zero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// What ext2fs_initialize() leaves to its caller.
void fill_superblock(ext2_filsys fs, const Ext4Options& options) {
  ext2_super_block& super = *fs->super;
  fs->umask = 022;
  fs->now = static_cast<time_t>(options.timestamp);
  super.s_mkfs_time = super.s_wtime = super.s_lastcheck = options.timestamp;
  super.s_mkfs_time_hi = super.s_wtime_hi = super.s_lastcheck_hi = 0;
  super.s_max_mnt_count = -1;
  super.s_checkinterval = 0;
  super.s_kbytes_written = 1;  // 0 would mean that nobody counts
  super.s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
  super.s_want_extra_isize = super.s_min_extra_isize = extra_inode_bytes;
  super.s_checksum_type = EXT2_CRC32C_CHKSUM;
  super.s_def_hash_version = EXT2_HASH_HALF_MD4;
  super.s_flags = EXT2_FLAGS_SIGNED_HASH;  // mke2fs follows the machine's char; here every machine is equal
  std::copy(options.uuid.bytes.begin(), options.uuid.bytes.end(), std::begin(super.s_uuid));
  std::memcpy(super.s_hash_seed, options.hash_seed.bytes.data(), options.hash_seed.bytes.size());
  options.label.copy(reinterpret_cast<char*>(super.s_volume_name), sizeof super.s_volume_name);
  ext2fs_init_csum_seed(fs);
  for (dgrp_t group = 0; group < fs->group_desc_count; ++group) {
    ext2fs_bg_flags_set(fs, group, EXT2_BG_INODE_ZEROED);  // the image reads as zeros
  }
}

// The root of an empty extent tree, as it lies in the inode. libext2fs writes one only with a first extent.
void clear_extents(ext2_inode& inode) {
  ext3_extent_header header{};
  header.eh_magic = ext2fs_cpu_to_le16(EXT3_EXT_MAGIC);
  header.eh_max = ext2fs_cpu_to_le16((sizeof inode.i_block - sizeof header) / sizeof(ext3_extent));
  std::memcpy(inode.i_block, &header, sizeof header);
}

struct FreeExtents {
  void operator()(ext2_extent_handle* handle) const { ext2fs_extent_free(handle); }
};

}  // namespace

void Ext4Writer::Free::operator()(struct_ext2_filsys* fs) const {
  ext2fs_free(fs);
}

Result<Ext4Writer> Ext4Writer::create(const Fd& image, std::uint64_t offset, const Ext4Options& options) {
  const std::uint64_t blocks = options.size / ext4_block_size;
  const std::uint64_t inodes = std::max<std::uint64_t>(options.inodes, options.size / bytes_per_inode);
  if (inodes > UINT32_MAX) {
    return fail(Code::unsupported_input, "a file system of this size is larger than ext4 can be");
  }
  struct stat status{};
  if (::fstat(image.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at the image");
  }
  const auto end = static_cast<off_t>(offset + options.size);
  if (S_ISREG(status.st_mode) && status.st_size < end && ::ftruncate(image.get(), end) != 0) {
    return fail_errno(Code::io_error, "extend the image");
  }

  ext2_super_block parameters{};
  ext2fs_blocks_count_set(&parameters, blocks);
  ext2fs_r_blocks_count_set(&parameters, blocks * options.reserved_percent / 100);
  parameters.s_inodes_count = static_cast<__u32>(inodes);
  parameters.s_rev_level = EXT2_DYNAMIC_REV;
  parameters.s_log_block_size = 2;
  parameters.s_log_cluster_size = 2;
  parameters.s_inode_size = inode_size;
  parameters.s_desc_size = EXT2_MIN_DESC_SIZE_64BIT;
  parameters.s_log_groups_per_flex = groups_per_flex_log;
  parameters.s_feature_compat = compat_features;
  parameters.s_feature_incompat = incompat_features;
  parameters.s_feature_ro_compat = ro_compat_features;

  Ext4Writer writer;
  writer.image_ = &image;
  writer.offset_ = offset;
  ext2_filsys fs = nullptr;
  CFS_TRY(check(ext2fs_initialize(cat("/proc/self/fd/", image.get()).c_str(), EXT2_FLAG_64BITS, &parameters,
                                  unix_io_manager, &fs),
                "lay out the file system"));
  writer.fs_.reset(fs);
  // Nothing has been read or written so far.
  CFS_TRY(check(io_channel_set_options(fs->io, cat("offset=", offset).c_str()), "place the file system"));
  fill_superblock(fs, options);
  CFS_TRY(writer.populate());
  return writer;
}

// What mke2fs puts into every file system, in its order.
Result<> Ext4Writer::populate() {
  ext2_filsys fs = fs_.get();
  CFS_TRY(check(ext2fs_allocate_tables(fs), "allocate the inode tables"));
  CFS_TRY(check(ext2fs_mkdir(fs, root, root, nullptr), "make the root directory"));
  fs->umask = 077;
  CFS_TRY(check(ext2fs_mkdir(fs, root, 0, "lost+found"), "make lost+found"));
  fs->umask = 022;
  ext2_ino_t lost_and_found = 0;
  CFS_TRY(check(ext2fs_lookup(fs, root, "lost+found", 10, nullptr, &lost_and_found), "find lost+found"));
  for (std::uint64_t block = 1; block < lost_and_found_blocks; ++block) {
    CFS_TRY(check(ext2fs_expand_dir(fs, lost_and_found), "extend lost+found"));
  }
  ext2fs_inode_alloc_stats2(fs, EXT2_BAD_INO, +1, 0);
  for (ext2_ino_t inode = root + 1; inode < EXT2_FIRST_INODE(fs->super); ++inode) {
    ext2fs_inode_alloc_stats2(fs, inode, +1, 0);
  }
  CFS_TRY(check(ext2fs_update_bb_inode(fs, nullptr), "write the bad block list"));
  CFS_TRY(check(ext2fs_create_resize_inode(fs), "reserve room for growing"));
  // None below 8 MiB. At the front, not in the middle as for disks with heads, so that files stay in one
  // piece.
  if (const int blocks = ext2fs_default_journal_size(ext2fs_blocks_count(fs->super)); blocks > 0) {
    CFS_TRY(check(ext2fs_add_journal_inode2(fs, static_cast<blk_t>(blocks), 0,
                                            EXT2_MKJOURNAL_LAZYINIT | EXT2_MKJOURNAL_NO_MNT_CHECK),
                  "make the journal"));
  }
  return {};
}

std::uint64_t Ext4Writer::free_blocks() const {
  return ext2fs_free_blocks_count(fs_->super);
}

Result<> Ext4Writer::link(Inode parent, const std::string& name, Inode inode, int type) {
  errcode_t error = ext2fs_link(fs_.get(), parent, name.c_str(), inode, type);
  if (error == EXT2_ET_DIR_NO_SPACE) {
    CFS_TRY(check(ext2fs_expand_dir(fs_.get(), parent), "extend a directory"));
    error = ext2fs_link(fs_.get(), parent, name.c_str(), inode, type);
  }
  return check(error, cat("enter ", name));
}

Result<Ext4Writer::Inode> Ext4Writer::make_directory(Inode parent, const std::string& name) {
  Inode inode = 0;
  CFS_TRY(check(ext2fs_new_inode(fs_.get(), parent, LINUX_S_IFDIR, nullptr, &inode), cat("make ", name)));
  CFS_TRY(check(ext2fs_mkdir(fs_.get(), parent, inode, nullptr), cat("make ", name)));
  CFS_TRY(link(parent, name, inode, EXT2_FT_DIR));
  return inode;
}

Result<> Ext4Writer::make_link(Inode parent, const std::string& name, const std::string& target) {
  Inode inode = 0;
  CFS_TRY(check(ext2fs_new_inode(fs_.get(), parent, LINUX_S_IFLNK, nullptr, &inode), cat("make ", name)));
  CFS_TRY(check(ext2fs_symlink(fs_.get(), parent, inode, nullptr, target.c_str()), cat("make ", name)));
  return link(parent, name, inode, EXT2_FT_SYMLINK);
}

Result<Ext4Writer::NewFile> Ext4Writer::make_file(Inode parent, const std::string& name, std::uint64_t size) {
  NewFile file;
  file.size = size;
  CFS_TRY(
      check(ext2fs_new_inode(fs_.get(), parent, LINUX_S_IFREG, nullptr, &file.inode), cat("make ", name)));
  ext2_inode inode{};
  inode.i_mode = LINUX_S_IFREG | 0644;
  inode.i_links_count = 1;
  inode.i_flags = EXT4_EXTENTS_FL;
  clear_extents(inode);
  inode.i_atime = inode.i_ctime = inode.i_mtime = static_cast<__u32>(fs_->now);
  CFS_TRY(
      check(ext2fs_inode_size_set(fs_.get(), &inode, static_cast<ext2_off64_t>(size)), cat("make ", name)));
  CFS_TRY(check(ext2fs_write_new_inode(fs_.get(), file.inode, &inode), cat("make ", name)));
  ext2fs_inode_alloc_stats2(fs_.get(), file.inode, +1, 0);
  CFS_TRY(link(parent, name, file.inode, EXT2_FT_REG_FILE));
  CFS_TRY(map(file, 0, ext4_blocks(size)));
  return file;
}

// Gives the file `count` blocks from block `logical` on, which lies past all it has.
Result<> Ext4Writer::map(NewFile& file, std::uint64_t logical, std::uint64_t count) {
  ext2_filsys fs = fs_.get();
  ext2_extent_handle_t opened = nullptr;
  CFS_TRY(check(ext2fs_extent_open(fs, file.inode, &opened), "open the extents of a file"));
  std::unique_ptr<ext2_extent_handle, FreeExtents> handle(opened);
  if (!file.runs.empty()) {
    ext2fs_extent last{};
    CFS_TRY(check(ext2fs_extent_get(opened, EXT2_EXTENT_LAST_LEAF, &last), "read the extents of a file"));
  }
  const std::uint64_t added = count;
  while (count > 0) {
    blk64_t physical = 0;
    blk64_t length = 0;
    CFS_TRY(
        check(ext2fs_new_range(fs, 0, goal_, std::min(count, longest_extent), nullptr, &physical, &length),
              "find room for a file"));
    ext2fs_block_alloc_stats_range(fs, physical, static_cast<blk_t>(length), +1);
    ext2fs_extent extent{physical, logical, static_cast<__u32>(length), 0};
    CFS_TRY(
        check(ext2fs_extent_insert(opened, EXT2_EXTENT_INSERT_AFTER, &extent), "add to a file's extents"));
    file.runs.push_back({logical, physical, length});
    goal_ = physical + length;
    logical += length;
    count -= length;
  }
  handle.reset();  // it wrote the inode
  ext2_inode inode{};
  CFS_TRY(check(ext2fs_read_inode(fs, file.inode, &inode), "read an inode"));
  CFS_TRY(check(ext2fs_iblk_add_blocks(fs, &inode, added), "count a file's blocks"));
  return check(ext2fs_write_inode(fs, file.inode, &inode), "write an inode");
}

// Writes bytes at a block boundary of the file, except for blocks of zeros.
Result<> Ext4Writer::put(const NewFile& file, std::uint64_t position, std::string_view bytes) const {
  for (const NewFile::Run& run : file.runs) {
    const std::uint64_t begin = run.logical * ext4_block_size;
    const std::uint64_t end = begin + run.count * ext4_block_size;
    while (!bytes.empty() && position >= begin && position < end) {
      std::size_t length = std::min<std::uint64_t>(bytes.size(), end - position);
      // Up to the first block of zeros; or all the zeros, which are not written.
      const bool zeros = all_zero(bytes.substr(0, ext4_block_size));
      for (std::size_t at = ext4_block_size; at < length; at += ext4_block_size) {
        if (all_zero(bytes.substr(at, ext4_block_size)) != zeros) {
          length = at;
        }
      }
      if (!zeros) {
        const std::uint64_t within = position - begin;
        CFS_TRY(put_at(*image_, offset_ + run.physical * ext4_block_size + within, bytes.substr(0, length)));
      }
      position += length;
      bytes.remove_prefix(length);
    }
  }
  return {};
}

Result<> Ext4Writer::write(NewFile& file, std::string_view bytes) {
  CFS_TRY(put(file, file.position, bytes));
  file.position += bytes.size();
  return {};
}

Result<> Ext4Writer::add_verity(NewFile& file, std::string_view merkle_tree, std::string_view descriptor) {
  const std::uint64_t position = round_up(file.size, verity_alignment);
  std::string metadata(merkle_tree);
  metadata.resize(round_up(metadata.size(), ext4_block_size));
  metadata += descriptor;
  metadata.resize(round_up(metadata.size() + sizeof(std::uint32_t), ext4_block_size) - sizeof(std::uint32_t));
  for (unsigned shift = 0; shift < 32; shift += 8) {  // little-endian
    metadata += static_cast<char>(descriptor.size() >> shift & 0xff);
  }
  CFS_TRY(map(file, position / ext4_block_size, metadata.size() / ext4_block_size));
  CFS_TRY(put(file, position, metadata));
  ext2_inode inode{};
  CFS_TRY(check(ext2fs_read_inode(fs_.get(), file.inode, &inode), "read an inode"));
  inode.i_flags |= EXT4_VERITY_FL;
  return check(ext2fs_write_inode(fs_.get(), file.inode, &inode), "write an inode");
}

Result<> Ext4Writer::finish() {
  CFS_TRY(check(ext2fs_set_gdt_csum(fs_.get()), "write the group descriptors"));
  CFS_TRY(check(ext2fs_flush(fs_.get()), "write the file system"));
  fs_.reset();
  return {};
}

Result<std::uint64_t> ext4_size_for(const Ext4Options& options, std::uint64_t blocks) {
  constexpr std::uint64_t step = (1UL << 20) / ext4_block_size;
  constexpr std::uint64_t inodes_per_block = ext4_block_size / inode_size;
  const std::uint64_t ample = 2 * (blocks + options.inodes) + (64UL << 20) / ext4_block_size;
  // What the rest takes is libext2fs's decision: ask it, with an image of nothing but metadata.
  Ext4Options tried = options;
  for (std::uint64_t total = blocks + options.inodes / inodes_per_block;;) {
    total = round_up(std::max(total, step), step);
    tried.size = total * ext4_block_size;
    const Fd image(::memfd_create("ext4", MFD_CLOEXEC));
    if (!image) {
      return fail_errno(Code::io_error, "make a file in memory");
    }
    const auto writer = Ext4Writer::create(image, 0, tried);
    if (!writer && (total > ample || writer.error().code() != Code::unsupported_input)) {
      return tl::unexpected(writer.error());
    }
    const std::uint64_t free = writer ? writer->free_blocks() : 0;
    if (writer && free >= blocks) {
      return tried.size;
    }
    total += writer ? blocks - free : step;
  }
}

}  // namespace cfs
