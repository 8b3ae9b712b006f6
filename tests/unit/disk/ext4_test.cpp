// SPDX-License-Identifier: Apache-2.0
#include "cfs/disk/ext4.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "cfs/base/text.hpp"
#include "unit/ext4_image.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::uint64_t mib = 1UL << 20;
constexpr std::uint32_t timestamp = 1'700'000'000;

class Ext4 : public ::testing::Test {
 protected:
  Ext4() {
    options_.size = 32 * mib;
    options_.label = "composefs-store";
    options_.uuid.bytes.fill(0x21);
    options_.timestamp = timestamp;
  }

  void open(const std::string& name) {
    path_ = directory_.path(name);
    image_ = Fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  }

  Ext4Writer create(std::uint64_t offset = 0) {
    open("image");
    auto writer = Ext4Writer::create(image_, offset, options_);
    EXPECT_TRUE(writer) << writer.error().line();
    return std::move(writer).value();
  }

  static void add_file(Ext4Writer& writer, const std::string& name, const std::string& bytes) {
    auto file = writer.make_file(Ext4Writer::root, name, bytes.size());
    ASSERT_TRUE(file) << file.error().line();
    ASSERT_TRUE(writer.write(*file, bytes));
  }

  TempDirectory directory_;
  Ext4Options options_;
  std::string path_;
  Fd image_;
};

// Different in every block.
std::string sample(std::size_t size) {
  std::string bytes;
  for (std::uint64_t i = 0; bytes.size() < size; ++i) {
    bytes += cat(i, '\n');
  }
  bytes.resize(size);
  return bytes;
}

TEST_F(Ext4, AnEmptyFileSystemIsWhole) {
  Ext4Writer writer = create();
  ASSERT_TRUE(writer.finish());
  EXPECT_TRUE(is_clean(path_));
  const Ext4Image image(path_);
  EXPECT_STREQ(reinterpret_cast<const char*>(image.super().s_volume_name), "composefs-store");
  EXPECT_EQ(image.super().s_uuid[0], 0x21);
  EXPECT_TRUE(ext2fs_has_feature_verity(const_cast<ext2_super_block*>(&image.super())));
  EXPECT_TRUE(ext2fs_has_feature_journal(const_cast<ext2_super_block*>(&image.super())));
  EXPECT_EQ(image.inode("/lost+found").i_mode & 07777, 0700);
  EXPECT_EQ(image.inode("/lost+found").i_size, 16384U);
}

TEST_F(Ext4, LiesAtAnOffset) {
  Ext4Writer writer = create(3 * mib);
  add_file(writer, "file", "contents");
  ASSERT_TRUE(writer.finish());
  EXPECT_TRUE(is_clean(path_, 3 * mib));
  EXPECT_EQ(Ext4Image(path_, 3 * mib).read("/file"), "contents");
  EXPECT_GE(read_bytes(path_).find_first_not_of('\0'), 3 * mib + 1024)
      << "something lies before the superblock";
}

TEST_F(Ext4, FilesOfAllSizesAreReadBack) {
  Ext4Writer writer = create();
  const std::array<std::size_t, 7> sizes{0, 1, 4095, 4096, 4097, 65536, 3'000'001};
  for (const auto size : sizes) {
    add_file(writer, cat("file-", size), sample(size));
  }
  ASSERT_TRUE(writer.finish());
  EXPECT_TRUE(is_clean(path_));
  const Ext4Image image(path_);
  for (const auto size : sizes) {
    EXPECT_TRUE(image.read(cat("/file-", size)) == sample(size)) << size;
  }
  EXPECT_EQ(image.inode("/file-1").i_mode, LINUX_S_IFREG | 0644);
  EXPECT_EQ(image.inode("/file-1").i_uid, 0);
  EXPECT_EQ(image.inode("/file-1").i_mtime, timestamp);
  EXPECT_EQ(image.inode("/file-1").i_flags & EXT4_VERITY_FL, 0U);
}

TEST_F(Ext4, BlocksOfZerosStayHolesInTheImage) {
  Ext4Writer writer = create();
  std::string bytes = std::string(8 * mib, '\0') + "x" + std::string(8 * mib, '\0');
  add_file(writer, "file", bytes);
  ASSERT_TRUE(writer.finish());
  EXPECT_TRUE(Ext4Image(path_).read("/file") == bytes);
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, static_cast<blkcnt_t>(4 * mib));
}

TEST_F(Ext4, DirectoriesGrowAndLinksKeepTheirTargets) {
  options_.inodes = 4096;
  Ext4Writer writer = create();
  const auto made = writer.make_directory(Ext4Writer::root, "directory");
  ASSERT_TRUE(made);
  const std::string target(100, 't');
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(
        writer.make_link(*made, cat("a-rather-long-name-for-a-link-", i), i % 2 == 0 ? "short" : target));
  }
  ASSERT_TRUE(writer.finish());
  EXPECT_TRUE(is_clean(path_));
  const Ext4Image image(path_);
  EXPECT_GT(image.inode("/directory").i_size, 40'000U);
  EXPECT_EQ(image.target("/directory/a-rather-long-name-for-a-link-998"), "short");
  EXPECT_EQ(image.target("/directory/a-rather-long-name-for-a-link-999"), target);
}

TEST_F(Ext4, FilesWithVerityHaveTheirMetadataPastTheEnd) {
  Ext4Writer writer = create();
  const std::string bytes = sample(70'000);
  const std::string tree(2 * ext4_block_size, 'T');
  const std::string descriptor(256, 'D');
  auto file = writer.make_file(Ext4Writer::root, "file", bytes.size());
  ASSERT_TRUE(file);
  ASSERT_TRUE(writer.write(*file, bytes));
  ASSERT_TRUE(writer.add_verity(*file, tree, descriptor));
  ASSERT_TRUE(writer.finish());
  EXPECT_TRUE(is_clean(path_));
  const Ext4Image image(path_);
  EXPECT_EQ(image.inode("/file").i_flags & EXT4_VERITY_FL, EXT4_VERITY_FL);
  EXPECT_TRUE(image.read("/file") == bytes) << "i_size stays that of the data";
  EXPECT_EQ(image.block("/file", 18), "") << "a hole up to the next 64 KiB";
  EXPECT_EQ(image.block("/file", 31), "");
  EXPECT_TRUE(image.block("/file", 32) + image.block("/file", 33) == tree);
  const std::string last = image.block("/file", 34);
  EXPECT_TRUE(last.starts_with(descriptor));
  EXPECT_TRUE(last.ends_with(std::string_view("\0\x01\0\0", 4))) << "256, little-endian";
  EXPECT_EQ(image.block("/file", 35), "") << "the kernel looks for the descriptor in the last block";
}

TEST_F(Ext4, AFullFileSystemIsAnError) {
  Ext4Writer writer = create();
  const auto file = writer.make_file(Ext4Writer::root, "file", 40 * mib);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), Code::unsupported_input);
}

TEST_F(Ext4, ASizeThatCannotBeIsAnError) {
  options_.size = 8192;
  open("image");
  const auto writer = Ext4Writer::create(image_, 0, options_);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code(), Code::unsupported_input);
}

TEST_F(Ext4, SizeForLeavesRoomForExactlyWhatIsNeeded) {
  options_.inodes = 20'000;
  for (const std::uint64_t blocks : {1UL, 5'000UL, 100'000UL}) {
    const auto size = ext4_size_for(options_, blocks);
    ASSERT_TRUE(size);
    EXPECT_EQ(*size % mib, 0U);
    options_.size = *size;
    EXPECT_GE(create().free_blocks(), blocks);
    options_.size -= mib;
    open("smaller");
    const auto smaller = Ext4Writer::create(image_, 0, options_);
    EXPECT_TRUE(!smaller || smaller->free_blocks() < blocks) << blocks;
  }
}

}  // namespace
}  // namespace cfs
