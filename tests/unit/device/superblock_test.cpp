// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/superblock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using namespace std::string_literals;

constexpr std::size_t image_size = 1UL << 20;

class SuperblockTest : public ::testing::Test {
 protected:
  // Makes `image_` with a command that gets its path as "$I".
  void make(const std::string& command, std::uintmax_t size) {
    std::filesystem::resize_file(directory_.write("image", ""), size);
    const std::string line = "PATH=$PATH:/sbin:/usr/sbin I=" + image_ + "; " + command + " >/dev/null 2>&1";
    ASSERT_EQ(std::system(line.c_str()), 0) << line;  // NOLINT(cert-env33-c): a fixed command
  }
  [[nodiscard]] std::optional<Superblock> read() const {
    return read_superblock(Fd(::open(image_.c_str(), O_RDONLY | O_CLOEXEC)));
  }
  [[nodiscard]] std::optional<Superblock> read(std::string_view bytes) const {
    directory_.write("image", bytes);
    return read();
  }

  const TempDirectory directory_;
  const std::string image_ = directory_.path("image");
};

std::string with(std::string bytes, std::size_t offset, std::string_view part) {
  return bytes.replace(offset, part.size(), part);
}

// An empty disk but for an f2fs superblock with a label in UTF-16.
std::string f2fs() {
  std::string bytes(image_size, '\0');
  bytes = with(bytes, 1024, "\x10\x20\xf5\xf2");
  bytes = with(bytes, 1024 + 108, "\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10");
  return with(bytes, 1024 + 124, "S\0\xe4\0 \0"s);
}

TEST_F(SuperblockTest, ReadsExt4) {
  make("mke2fs -q -t ext4 -L 'a store ' -U 0f0e0d0c-0b0a-4908-8706-050403020100 $I", 4 * image_size);
  const auto superblock = read().value_or(Superblock());
  EXPECT_EQ(superblock.file_system, "ext4");
  EXPECT_EQ(superblock.label, "a store");
  EXPECT_EQ(superblock.uuid, "0f0e0d0c-0b0a-4908-8706-050403020100");
}

TEST_F(SuperblockTest, ReadsALabelThatFillsItsField) {
  make("mke2fs -q -t ext4 -O verity -L sixteen-letters! -U clear $I", 4 * image_size);
  const auto superblock = read().value_or(Superblock());
  EXPECT_EQ(superblock.label, "sixteen-letters!");
  EXPECT_EQ(superblock.uuid, "");
}

TEST_F(SuperblockTest, TakesNeitherItsForerunnersNorAJournalForExt4) {
  for (const char* type : {"-t ext2", "-t ext3", "-O journal_dev"}) {
    make("mke2fs -q "s + type + " $I", 8 * image_size);
    EXPECT_FALSE(read()) << type;
  }
}

TEST_F(SuperblockTest, ReadsBtrfs) {
  make("mkfs.btrfs -q -L store -U 0f0e0d0c-0b0a-4908-8706-050403020100 $I", 128 * image_size);
  const auto superblock = read().value_or(Superblock());
  EXPECT_EQ(superblock.file_system, "btrfs");
  EXPECT_EQ(superblock.label, "store");
  EXPECT_EQ(superblock.uuid, "0f0e0d0c-0b0a-4908-8706-050403020100");
}

TEST_F(SuperblockTest, ReadsF2fs) {
  const auto superblock = read(f2fs()).value_or(Superblock());
  EXPECT_EQ(superblock.file_system, "f2fs");
  EXPECT_EQ(superblock.label, "S\xc3\xa4");
  EXPECT_EQ(superblock.uuid, "01234567-89ab-cdef-fedc-ba9876543210");
}

TEST_F(SuperblockTest, DoesNotGuessWhichOfTwoCounts) {
  EXPECT_FALSE(read(with(f2fs(), 65536 + 64, "_BHRfS_M")));
}

TEST_F(SuperblockTest, FindsNothingInNoiseNorInLittle) {
  EXPECT_FALSE(read(std::string(image_size, 'x')));
  EXPECT_FALSE(read(f2fs().substr(0, 1024 + 1147)));
  EXPECT_FALSE(read(""));
}

}  // namespace
}  // namespace cfs
