// SPDX-License-Identifier: Apache-2.0
#include "cfs/disk/gpt.hpp"

#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::uint64_t mib = 1UL << 20;
constexpr std::uint64_t disk_size = 8 * mib;

Uuid uuid_of(std::uint8_t byte) {
  Uuid uuid;
  uuid.bytes.fill(byte);
  return uuid;
}

std::string lower(const char* text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lowered;
}

class Gpt : public ::testing::Test {
 protected:
  Result<> write(const std::string& path, std::span<const Partition> partitions) {
    const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    EXPECT_EQ(::ftruncate(file.get(), disk_size), 0);
    return write_gpt(file, uuid_of(0x11), partitions);
  }

  TempDirectory directory_;
  std::array<Partition, 2> partitions_{
      Partition{store_partition_type, "first", uuid_of(0x22), mib, 2 * mib},
      Partition{state_partition_type, "second", uuid_of(0x33), 3 * mib, 4 * mib}};
};

TEST_F(Gpt, IsReadBackAsWritten) {
  const std::string path = directory_.path("disk");
  ASSERT_TRUE(write(path, partitions_));
  fdisk_context* context = fdisk_new_context();
  ASSERT_EQ(fdisk_assign_device(context, path.c_str(), 1), 0);
  ASSERT_EQ(fdisk_is_labeltype(context, FDISK_DISKLABEL_GPT), 1);
  EXPECT_EQ(fdisk_verify_disklabel(context), 0);
  char* id = nullptr;
  ASSERT_EQ(fdisk_get_disklabel_id(context, &id), 0);
  EXPECT_EQ(lower(id), uuid_of(0x11).text());
  std::free(id);
  fdisk_table* table = nullptr;
  ASSERT_EQ(fdisk_get_partitions(context, &table), 0);
  ASSERT_EQ(fdisk_table_get_nents(table), partitions_.size());
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    fdisk_partition* const partition = fdisk_table_get_partition(table, i);
    EXPECT_EQ(fdisk_partition_get_start(partition) * 512, partitions_[i].offset);
    EXPECT_EQ(fdisk_partition_get_size(partition) * 512, partitions_[i].size);
    EXPECT_EQ(fdisk_partition_get_name(partition), partitions_[i].label);
    EXPECT_EQ(lower(fdisk_partition_get_uuid(partition)), partitions_[i].id.text());
    EXPECT_EQ(lower(fdisk_parttype_get_string(fdisk_partition_get_type(partition))), partitions_[i].type);
  }
  fdisk_unref_table(table);
  fdisk_unref_context(context);
}

TEST_F(Gpt, SameInputGivesSameBytes) {
  ASSERT_TRUE(write(directory_.path("a"), partitions_));
  ASSERT_TRUE(write(directory_.path("b"), partitions_));
  EXPECT_TRUE(read_bytes(directory_.path("a")) == read_bytes(directory_.path("b")));
}

TEST_F(Gpt, APartitionPastTheEndIsAnError) {
  partitions_[1].size = disk_size;
  const auto written = write(directory_.path("disk"), partitions_);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::io_error);
}

TEST_F(Gpt, OverlappingPartitionsAreAnError) {
  partitions_[1].offset = 2 * mib;
  EXPECT_FALSE(write(directory_.path("disk"), partitions_));
}

}  // namespace
}  // namespace cfs
