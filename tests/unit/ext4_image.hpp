// SPDX-License-Identifier: Apache-2.0
// Reading back an ext4 file system in an image file, with libext2fs and e2fsck(8).
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

// After the standard headers: libext2fs 1.47.2 has a macro of the name of std::clamp.
#include <ext2fs/ext2fs.h>
#undef clamp

namespace cfs {

class Ext4Image {
 public:
  explicit Ext4Image(const std::string& path, std::uint64_t offset = 0) {
    const std::string options = "offset=" + std::to_string(offset);
    if (ext2fs_open2(path.c_str(), options.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs_) != 0) {
      ADD_FAILURE() << path << " holds no ext4";
      std::abort();
    }
  }
  Ext4Image(const Ext4Image&) = delete;
  Ext4Image& operator=(const Ext4Image&) = delete;
  ~Ext4Image() { ext2fs_close(fs_); }

  [[nodiscard]] const ext2_super_block& super() const { return *fs_->super; }

  // 0 when there is no such file.
  [[nodiscard]] ext2_ino_t find(const std::string& path) const {
    ext2_ino_t inode = 0;
    return ext2fs_namei(fs_, EXT2_ROOT_INO, EXT2_ROOT_INO, path.c_str(), &inode) == 0 ? inode : 0;
  }

  [[nodiscard]] ext2_inode inode(const std::string& path) const {
    ext2_inode inode{};
    EXPECT_EQ(ext2fs_read_inode(fs_, find(path), &inode), 0) << path;
    return inode;
  }

  // A regular file's contents.
  [[nodiscard]] std::string read(const std::string& path) const {
    const ext2_inode found = inode(path);
    std::string bytes(EXT2_I_SIZE(&found), '\0');
    ext2_file_t file = nullptr;
    EXPECT_EQ(ext2fs_file_open(fs_, find(path), 0, &file), 0) << path;
    unsigned got = 0;
    EXPECT_EQ(ext2fs_file_read(file, bytes.data(), static_cast<unsigned>(bytes.size()), &got), 0) << path;
    EXPECT_EQ(got, bytes.size()) << path;
    ext2fs_file_close(file);
    return bytes;
  }

  [[nodiscard]] std::string target(const std::string& path) const {
    const ext2_inode link = inode(path);
    if (ext2fs_is_fast_symlink(const_cast<ext2_inode*>(&link)) != 0) {
      return reinterpret_cast<const char*>(link.i_block);
    }
    return block(path, 0).substr(0, link.i_size);
  }

  // Where a block of a file lies, also past its end; 0 where it has none.
  [[nodiscard]] std::uint64_t position(const std::string& path, std::uint64_t number) const {
    blk64_t physical = 0;
    EXPECT_EQ(ext2fs_bmap2(fs_, find(path), nullptr, nullptr, 0, number, nullptr, &physical), 0) << path;
    return physical;
  }

  // Its bytes; empty where it has none.
  [[nodiscard]] std::string block(const std::string& path, std::uint64_t number) const {
    const std::uint64_t physical = position(path, number);
    std::string bytes(physical == 0 ? 0 : fs_->blocksize, '\0');
    if (physical != 0) {
      EXPECT_EQ(io_channel_read_blk64(fs_->io, physical, 1, bytes.data()), 0) << path;
    }
    return bytes;
  }

 private:
  ext2_filsys fs_ = nullptr;
};

// Whether e2fsck finds nothing to correct. Without e2fsck the test fails: e2fsprogs is needed.
inline ::testing::AssertionResult is_clean(const std::string& image, std::uint64_t offset = 0) {
  constexpr std::array<const char*, 2> places{"/sbin/e2fsck", "/usr/sbin/e2fsck"};
  const auto* const program =
      std::ranges::find_if(places, [](const char* place) { return std::filesystem::exists(place); });
  if (program == places.end()) {
    return ::testing::AssertionFailure() << "e2fsck is not installed";
  }
  const std::string device = image + "?offset=" + std::to_string(offset);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(*program, "e2fsck", "-f", "-n", device.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) {
    return ::testing::AssertionFailure() << "e2fsck " << device << " ends with status " << status;
  }
  return ::testing::AssertionSuccess();
}

}  // namespace cfs
