// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/partition.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using namespace std::string_literals;

constexpr std::uint64_t mebibyte = 1UL << 20;
constexpr auto gpt =
    "label: gpt\n"
    "start=1MiB, size=1MiB, name=\"composefs-store\", uuid=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n"
    "start=2MiB, size=1MiB, name=\"the state \", uuid=00112233-4455-6677-8899-AABBCCDDEEFF\n";
constexpr auto mbr =
    "label: dos\nlabel-id: 0x1234abcd\n"
    "start=1MiB, size=1MiB, type=83\n"
    "start=2MiB, size=4MiB, type=5\n"
    "start=6MiB, size=1MiB, type=83\n\n"
    "start=3MiB, size=1MiB, type=83\n";

class PartitionTest : public ::testing::Test {
 protected:
  // Writes a partition table as sfdisk(8) describes it; unlike that, fdisk(8) can be told the size of
  // sectors.
  void make(std::string_view table, unsigned sector_size = 512) {
    sector_size_ = sector_size;
    std::filesystem::resize_file(directory_.write("disk", ""), 8 * mebibyte);
    directory_.write("table", table);
    const std::string line = "PATH=$PATH:/sbin:/usr/sbin; printf 'I\\n" + directory_.path("table") +
                             "\\nw\\n' | fdisk -b " + std::to_string(sector_size) + " " + disk_ +
                             " >/dev/null 2>&1";
    ASSERT_EQ(std::system(line.c_str()), 0);  // NOLINT(cert-env33-c): a fixed command
  }
  // Writes bytes over those of the disk.
  void spoil(std::uint64_t offset, std::string_view bytes) const {
    std::fstream file(disk_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  [[nodiscard]] std::string read(std::uint32_t number, std::uint64_t start) const {
    const Fd disk(::open(disk_.c_str(), O_RDONLY | O_CLOEXEC));
    const auto tags = read_partition(disk, sector_size_, {.number = number, .start = start});
    return tags.uuid + ' ' + tags.label;
  }

 private:
  const TempDirectory directory_;
  const std::string disk_ = directory_.path("disk");
  std::uint32_t sector_size_ = 512;
};

TEST_F(PartitionTest, ReadsAGpt) {
  for (const unsigned sector_size : {512U, 4096U}) {
    make(gpt, sector_size);
    EXPECT_EQ(read(1, mebibyte), "0fc63daf-8483-4772-8e79-3d69d8477de4 composefs-store");
    EXPECT_EQ(read(2, 2 * mebibyte), "00112233-4455-6677-8899-aabbccddeeff the state");
  }
}

TEST_F(PartitionTest, ReadsAnMbr) {
  make(mbr);
  EXPECT_EQ(read(1, mebibyte), "1234abcd-01 ");
  EXPECT_EQ(read(3, 6 * mebibyte), "1234abcd-03 ");
  EXPECT_EQ(read(5, 3 * mebibyte), "1234abcd-05 ");
  spoil(440, "\0\0\0\0"s);
  EXPECT_EQ(read(1, mebibyte), " ");
  make(mbr);
  spoil(510, "\0"s);
  EXPECT_EQ(read(1, mebibyte), " ");
}

TEST_F(PartitionTest, TakesNoEntryOfAnotherPlace) {
  for (const char* table : {gpt, mbr}) {
    make(table);
    EXPECT_EQ(read(1, 2 * mebibyte), " ");
    EXPECT_EQ(read(1, mebibyte + 1), " ");
    EXPECT_EQ(read(0, mebibyte), " ");
  }
  make(gpt);
  EXPECT_EQ(read(129, 0), " ");
}

TEST_F(PartitionTest, TakesNoFieldsThatCannotBe) {
  const struct {
    std::uint64_t offset;
    std::string bytes;
  } fields[] = {{512 + 72, std::string(8, '\xff')},  // where the entries lie
                {512 + 72, "\0\0\1\0\0\0\0\0"s},     // past the end
                {512 + 80, "\0\0\0\0"s},             // how many
                {512 + 84, "\x7f\0\0\0"s},           // of which size
                {512 + 84, "\xff\xff\xff\xff"s}};
  for (const auto& field : fields) {
    make(gpt);
    spoil(field.offset, field.bytes);
    EXPECT_EQ(read(1, mebibyte), " ") << field.offset << ' ' << static_cast<int>(field.bytes[0]);
  }
}

TEST_F(PartitionTest, FindsNothingInNoise) {
  make(gpt);
  spoil(0, std::string(mebibyte, 'x'));
  EXPECT_EQ(read(1, mebibyte), " ");
}

}  // namespace
}  // namespace cfs
