// SPDX-License-Identifier: Apache-2.0
#include "cfs/disk/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfs/base/text.hpp"
#include "cfs/disk/ext4.hpp"
#include "cfs/disk/gpt.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/tool/uuid.hpp"
#include "unit/ext4_image.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::uint64_t mib = 1UL << 20;

std::string sample(std::size_t size) {
  std::string bytes;
  for (std::uint64_t i = size; bytes.size() < size; ++i) {
    bytes += cat(i, '\n');
  }
  bytes.resize(size);
  return bytes;
}

std::string object_path(const std::string& bytes, HashAlgorithm algorithm = HashAlgorithm::sha256) {
  return "objects/" + compute_verity(bytes, algorithm).value().object_path();
}

const std::array<std::size_t, 7> sizes{0, 1, 4096, 4097, 65'536, 600'000, 2'500'000};

class Disk : public ::testing::Test {
 protected:
  Disk() {
    for (const auto size : sizes) {
      add_object(size);
    }
    store_.write(object_path("sha512", HashAlgorithm::sha512), "sha512");
    const std::string image = compute_verity(sample(4097)).value().hex();
    store_.link("images/" + image, "../" + object_path(sample(4097)));
    store_.write("manifests/demo.toml", "format = 1\n");
    store_.write("manifests/demo.toml.sig", "signature\n");
    store_.link("slots/current", "../manifests/demo.toml");
    layout_.state_size = 8 * mib;
  }

  void add_object(std::size_t size) { store_.write(object_path(sample(size)), sample(size)); }

  Result<std::uint64_t> write(const std::string& name) { return write_of(store_, name); }

  Result<std::uint64_t> write_of(const TempDirectory& store, const std::string& name) {
    const auto contents = read_store(store.path());
    if (!contents) {
      return tl::unexpected(contents.error());
    }
    const Fd image(::open(out_.path(name).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    Progress progress("writing");
    return write_disk(*contents, image, layout_, progress);
  }

  TempDirectory store_;
  TempDirectory out_;
  DiskLayout layout_;
};

TEST_F(Disk, HoldsTheStoreWithVerity) {
  const auto written = write("disk");
  ASSERT_TRUE(written) << written.error().line();
  const std::string path = out_.path("disk");
  EXPECT_TRUE(is_clean(path, partition_alignment));
  const Ext4Image image(path, partition_alignment);
  for (const auto size : sizes) {
    const std::string object = "/composefs/" + object_path(sample(size));
    EXPECT_TRUE(image.read(object) == sample(size)) << size;
    EXPECT_EQ(image.inode(object).i_flags & EXT4_VERITY_FL, EXT4_VERITY_FL) << size;
    // The digest is the hash of the descriptor: the file's last block.
    std::uint64_t last = (size + 65'535) / 65'536 * 16;
    while (!image.block(object, last + 1).empty()) {
      ++last;
    }
    const std::string hash = sha256(image.block(object, last).substr(0, verity_descriptor_size)).value();
    const std::string hex = to_hex({reinterpret_cast<const unsigned char*>(hash.data()), hash.size()});
    EXPECT_EQ(hex, compute_verity(sample(size)).value().hex()) << size;
  }
  const std::string sha512 = "/composefs/" + object_path("sha512", HashAlgorithm::sha512);
  EXPECT_EQ(image.read(sha512), "sha512");
  EXPECT_EQ(image.read("/composefs/manifests/demo.toml"), "format = 1\n");
  EXPECT_EQ(image.inode("/composefs/manifests/demo.toml").i_flags & EXT4_VERITY_FL, 0U);
  EXPECT_EQ(image.target("/composefs/slots/current"), "../manifests/demo.toml");
  const Digest digest = compute_verity(sample(4097)).value();
  EXPECT_EQ(image.target("/composefs/images/" + digest.hex()), "../objects/" + digest.object_path());
}

TEST_F(Disk, EndsWithAnEmptyStateFileSystem) {
  ASSERT_TRUE(write("disk"));
  const std::string path = out_.path("disk");
  const std::uint64_t offset = std::filesystem::file_size(path) - partition_alignment - layout_.state_size;
  EXPECT_TRUE(is_clean(path, offset));
  const Ext4Image image(path, offset);
  EXPECT_EQ(image.find("/composefs"), 0U);
  EXPECT_STREQ(reinterpret_cast<const char*>(image.super().s_volume_name), "composefs-state");
}

TEST_F(Disk, RawIsNothingButTheStore) {
  layout_.kind = DiskLayout::Kind::raw;
  ASSERT_TRUE(write("raw"));
  EXPECT_TRUE(is_clean(out_.path("raw")));
  EXPECT_EQ(Ext4Image(out_.path("raw")).read("/composefs/manifests/demo.toml"), "format = 1\n");
}

TEST_F(Disk, SameStoreInAnotherOrderGivesTheSameBytes) {
  ASSERT_TRUE(write("a"));
  const TempDirectory other;
  other.link("slots/current", "../manifests/demo.toml");
  other.write("manifests/demo.toml.sig", "signature\n");
  other.write("manifests/demo.toml", "format = 1\n");
  const Digest digest = compute_verity(sample(4097)).value();
  other.link("images/" + digest.hex(), "../objects/" + digest.object_path());
  other.write(object_path("sha512", HashAlgorithm::sha512), "sha512");
  for (auto size = sizes.rbegin(); size != sizes.rend(); ++size) {
    const std::string path = other.write(object_path(sample(*size)), sample(*size));
    ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
  }
  ASSERT_TRUE(write_of(other, "b"));
  EXPECT_TRUE(read_bytes(out_.path("a")) == read_bytes(out_.path("b")));
}

TEST_F(Disk, AnotherManifestGivesOtherIdentifiers) {
  ASSERT_TRUE(write("a"));
  store_.write("manifests/demo.toml", "format = 2\n");
  ASSERT_TRUE(write("b"));
  const Ext4Image a(out_.path("a"), partition_alignment);
  const Ext4Image b(out_.path("b"), partition_alignment);
  EXPECT_FALSE(std::ranges::equal(a.super().s_uuid, b.super().s_uuid));
}

TEST_F(Disk, WhatAProfileNamesLiesTogetherInItsOrder) {
  const std::array<std::size_t, 3> named{600'000, 1, 65'536};
  BootProfile profile{.image = compute_verity(sample(4097)).value(), .objects = {}};
  for (const auto size : named) {
    profile.objects.push_back({compute_verity(sample(size)).value(), {{0, 1}}});
  }
  profile.objects.push_back({compute_verity("in no store").value(), {{0, 1}}});
  store_.write(store_layout::profile_path(profile.image), format_boot_profile(profile));
  ASSERT_TRUE(write("disk"));
  EXPECT_TRUE(is_clean(out_.path("disk"), partition_alignment));
  const Ext4Image image(out_.path("disk"), partition_alignment);
  EXPECT_EQ(image.read("/composefs/" + store_layout::profile_path(profile.image)),
            format_boot_profile(profile));
  std::uint64_t next_block = 0;
  ext2_ino_t next_inode = 0;
  for (const auto size : named) {
    const std::string object = "/composefs/" + object_path(sample(size));
    const std::uint64_t block = image.position(object, 0);
    EXPECT_TRUE(next_block == 0 || block == next_block) << size;
    EXPECT_TRUE(next_inode == 0 || image.find(object) == next_inode) << size;
    next_block = image.position(object, ext4_blocks(size) - 1) + 1;
    next_inode = image.find(object) + 1;
  }
  for (const auto size : sizes) {  // wherever it lies
    EXPECT_TRUE(image.read("/composefs/" + object_path(sample(size))) == sample(size)) << size;
  }
}

TEST_F(Disk, ShouldFailOnADamagedObject) {
  std::string bytes = sample(600'000);
  bytes[300'000] ^= 1;
  store_.write(object_path(sample(600'000)), bytes);
  const auto written = write("disk");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::object_damaged);
  EXPECT_NE(written.error().what().find(object_path(sample(600'000))), std::string::npos);
}

TEST_F(Disk, ShouldFailOnAnObjectThatShrinks) {
  const auto contents = read_store(store_.path());
  ASSERT_TRUE(contents);
  ASSERT_EQ(::truncate(store_.path(object_path(sample(600'000))).c_str(), 5), 0);
  const Fd image(::open(out_.path("disk").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  Progress progress("writing");
  const auto written = write_disk(*contents, image, layout_, progress);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::input_changed);
}

TEST_F(Disk, ASizeTooSmallNamesTheSmallestThatWorks) {
  for (const auto kind : {DiskLayout::Kind::gpt, DiskLayout::Kind::raw}) {
    layout_.kind = kind;
    layout_.size = mib;
    const auto written = write("disk");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code(), Code::usage);
    const std::string_view what = written.error().what();
    const std::size_t number = what.rfind(' ') + 1;
    layout_.size = parse_size(what.substr(number)).value();
    const auto smallest = write("disk");
    EXPECT_TRUE(smallest) << smallest.error().line();
    EXPECT_EQ(std::filesystem::file_size(out_.path("disk")), *layout_.size);
    *layout_.size -= mib;
    EXPECT_FALSE(write("disk"));
  }
}

TEST_F(Disk, ALargerSizeGoesToTheStore) {
  layout_.size = 200 * mib + 4096;
  layout_.state_size = 0;
  ASSERT_TRUE(write("disk"));
  EXPECT_EQ(std::filesystem::file_size(out_.path("disk")), *layout_.size);
  EXPECT_TRUE(is_clean(out_.path("disk"), partition_alignment));
  EXPECT_EQ(Ext4Image(out_.path("disk"), partition_alignment).super().s_blocks_count, 198 * mib / 4096);
}

TEST_F(Disk, ShouldFailOnSizesThatCannotBe) {
  layout_.state_size = 4 * mib;
  EXPECT_EQ(write("disk").error().code(), Code::usage);
  layout_.state_size = 16 * mib + 4096;
  EXPECT_EQ(write("disk").error().code(), Code::usage);
  layout_.state_size = 0;
  layout_.size = 200 * mib + 512;
  EXPECT_EQ(write("disk").error().code(), Code::usage);
}

TEST(ParseSize, TakesPowersOf1024) {
  EXPECT_EQ(parse_size("0").value(), 0U);
  EXPECT_EQ(parse_size("4096").value(), 4096U);
  EXPECT_EQ(parse_size("3K").value(), 3072U);
  EXPECT_EQ(parse_size("512M").value(), 512 * mib);
  EXPECT_EQ(parse_size("2G").value(), 2048 * mib);
  EXPECT_EQ(parse_size("1T").value(), 1UL << 40);
}

TEST(ParseSize, ShouldFailOnAnythingElse) {
  for (const char* const text : {"", "M", "-1", "+1", "1.5G", "1 G", "1GB", "1k", "0x10", "9999999T",
                                 "18446744073709551616", "9223372036854775808"}) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_EQ(size.error().code(), Code::usage) << text;
  }
}

}  // namespace
}  // namespace cfs
