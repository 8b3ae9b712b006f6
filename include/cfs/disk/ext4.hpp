// SPDX-License-Identifier: Apache-2.0
// An ext4 file system written into an image file: without root, without mounting, without kernel support.
//
// libext2fs lays it out as mke2fs(8) does for -t ext4 (4096-byte blocks, 256-byte inodes, a journal from 8
// MiB on), with the verity feature besides. Everything in it belongs to root, and nothing in it depends on
// the clock, the machine or the user: equal calls give equal bytes.
//
// A file with fs-verity enabled is as the kernel would have written it (Linux,
// Documentation/filesystems/ext4/verity.rst and fs/ext4/verity.c): past its end, from the next multiple of
// 64 KiB, lies the Merkle tree; from the next block the descriptor, and at that block's end its size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/tool/uuid.hpp"

struct struct_ext2_filsys;

namespace cfs {

inline constexpr std::uint64_t ext4_block_size = 4096;

struct Ext4Options {
  std::uint64_t size = 0;         // in bytes, a multiple of ext4_block_size
  std::uint32_t inodes = 0;       // at least; there are never fewer than one for 16 KiB
  unsigned reserved_percent = 0;  // of the blocks, for root alone
  std::string_view label;         // at most 16 bytes
  Uuid uuid;
  Uuid hash_seed;               // of directory indexes
  std::uint32_t timestamp = 1;  // of everything, in seconds since 1970; not 0, which libext2fs takes for now
};

// Blocks that a file of `size` bytes takes, without its metadata.
[[nodiscard]] constexpr std::uint64_t ext4_blocks(std::uint64_t size) noexcept {
  return (size + ext4_block_size - 1) / ext4_block_size;
}

class Ext4Writer {
 public:
  using Inode = std::uint32_t;
  static constexpr Inode root = 2;

  // A regular file while it is written.
  class NewFile {
    friend class Ext4Writer;
    struct Run {
      std::uint64_t logical;
      std::uint64_t physical;
      std::uint64_t count;
    };
    Inode inode = 0;
    std::uint64_t size = 0;
    std::uint64_t position = 0;  // of the next byte to write
    std::vector<Run> runs;       // where its blocks lie, in order
  };

  // Makes an empty file system, lost+found only, in the part of `image` that begins at `offset`. The image
  // must be open for reading and writing, read as zeros there, and outlive the writer. Nothing but finish()
  // makes what is written whole. Code::unsupported_input (sizes that no such file system has),
  // Code::io_error.
  [[nodiscard]] static Result<Ext4Writer> create(const Fd& image, std::uint64_t offset,
                                                 const Ext4Options& options);

  // Blocks that are not in use yet.
  [[nodiscard]] std::uint64_t free_blocks() const;

  // All these: names must be new in their directory. Code::unsupported_input when the file system is full,
  // Code::io_error.

  [[nodiscard]] Result<Inode> make_directory(Inode parent, const std::string& name);  // mode 0755
  [[nodiscard]] Result<> make_link(Inode parent, const std::string& name, const std::string& target);

  // A file of mode 0644 and exactly `size` bytes, for which write() is then called until all are written, in
  // order, and add_verity() at most once after that. Its data lie in as few extents as free space allows;
  // blocks of zeros are left to the image file's holes.
  [[nodiscard]] Result<NewFile> make_file(Inode parent, const std::string& name, std::uint64_t size);
  [[nodiscard]] Result<> write(NewFile& file, std::string_view bytes);
  [[nodiscard]] Result<> add_verity(NewFile& file, std::string_view merkle_tree, std::string_view descriptor);

  // Writes what is still in memory: bitmaps, group descriptors, superblocks and their copies.
  [[nodiscard]] Result<> finish();

 private:
  struct Free {
    void operator()(struct_ext2_filsys* fs) const;
  };
  Ext4Writer() = default;

  [[nodiscard]] Result<> populate();
  [[nodiscard]] Result<> link(Inode parent, const std::string& name, Inode inode, int type);
  [[nodiscard]] Result<> map(NewFile& file, std::uint64_t logical, std::uint64_t count);
  [[nodiscard]] Result<> put(const NewFile& file, std::uint64_t position, std::string_view bytes) const;

  std::unique_ptr<struct_ext2_filsys, Free> fs_;
  const Fd* image_ = nullptr;
  std::uint64_t offset_ = 0;
  std::uint64_t goal_ = 0;  // the block after the last one given to a file
};

// The smallest size, in whole MiB, with which create() leaves at least `blocks` free; options.size is not
// looked at. Errors as create().
[[nodiscard]] Result<std::uint64_t> ext4_size_for(const Ext4Options& options, std::uint64_t blocks);

}  // namespace cfs
