// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/profile_record.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "cfs/image/fsverity.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using Range = BootProfile::Range;

constexpr std::size_t block = boot_profile_block_size;

class Record : public ::testing::Test {
 protected:
  // An object of these contents, of which nothing is in memory.
  Digest add(const std::string& bytes) {
    const Digest digest = compute_verity(bytes).value();
    const Fd file = open(store_.write("objects/" + digest.object_path(), bytes));
    EXPECT_EQ(::fsync(file.get()), 0);
    EXPECT_EQ(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
    return digest;
  }
  void read(const Digest& digest, std::uint64_t first, std::uint64_t count = 1) {
    const Fd file = open(store_.path("objects/" + digest.object_path()));
    EXPECT_EQ(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_RANDOM), 0);
    std::array<char, block> bytes{};
    for (std::uint64_t i = first; i < first + count; ++i) {
      EXPECT_GT(::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(i * block)), 0);
    }
  }
  Result<BootProfile> record(const BootProfile* earlier = nullptr) {
    return record_profile(read_store(store_.path()).value(), image_, earlier);
  }

  TempDirectory store_;
  Digest large_ = add(std::string(100 * block + 7, 'l'));
  Digest small_ = add("small");
  Digest unread_ = add("unread");
  Digest empty_ = add("");
  Digest image_ = add(std::string(10 * block, 'i'));

 private:
  static Fd open(const std::string& path) { return Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC)); }
};

TEST_F(Record, HasWhatWasReadTheImageFirst) {
  read(large_, 3);
  read(large_, 50, 2);
  read(large_, 100);
  read(small_, 0);
  read(image_, 1);
  const auto profile = record();
  ASSERT_TRUE(profile) << profile.error().line();
  EXPECT_EQ(profile->image, image_);
  const auto [first, second] = std::minmax(large_, small_);
  ASSERT_EQ(profile->objects.size(), 3U);
  EXPECT_EQ(profile->objects[0].digest, image_);
  EXPECT_EQ(profile->objects[0].ranges, (std::vector<Range>{{1, 1}}));
  EXPECT_EQ(profile->objects[1].digest, first);
  EXPECT_EQ(profile->objects[2].digest, second);
  const auto& large = profile->objects[first == large_ ? 1 : 2];
  EXPECT_EQ(large.ranges, (std::vector<Range>{{3, 1}, {50, 2}, {100, 1}}));
  EXPECT_EQ(parse_boot_profile(format_boot_profile(*profile)).value(), *profile);
}

TEST_F(Record, SmallGapsCountAsRead) {
  read(large_, 10);
  read(large_, 15);
  read(large_, 21);
  const auto profile = record();
  ASSERT_TRUE(profile) << profile.error().line();
  ASSERT_EQ(profile->objects.size(), 1U);
  EXPECT_EQ(profile->objects[0].ranges, (std::vector<Range>{{10, 6}, {21, 1}}));
}

TEST_F(Record, WhatWasReadEarlierComesEarlier) {
  const auto [first, second] = std::minmax(large_, small_);
  read(second, 0);
  const auto earlier = record();
  ASSERT_TRUE(earlier) << earlier.error().line();
  read(first, 0);
  const auto profile = record(&*earlier);
  ASSERT_TRUE(profile) << profile.error().line();
  ASSERT_EQ(profile->objects.size(), 2U);
  EXPECT_EQ(profile->objects[0].digest, second);
  EXPECT_EQ(profile->objects[1].digest, first);
}

TEST_F(Record, ShouldFailAfterAProfileOfAnotherImage) {
  const BootProfile other{.image = small_, .objects = {}};
  EXPECT_EQ(record(&other).error().code(), Code::profile_malformed);
}

}  // namespace
}  // namespace cfs
