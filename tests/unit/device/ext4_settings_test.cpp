// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/ext4_settings.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "cfs/device/superblock.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using namespace std::string_literals;

class Ext4Settings : public ::testing::Test {
 protected:
  // Makes a file system of 64 MiB with mke2fs and these options, and then runs `command`, which gets its path
  // as "$I".
  [[nodiscard]] Result<std::string> check(const std::string& options, const std::string& command = ":",
                                          std::string_view wanted = "ext4") const {
    constexpr std::uintmax_t size = 64UL << 20;
    std::filesystem::resize_file(directory_.write("image", ""), size);
    const std::string line = "PATH=$PATH:/sbin:/usr/sbin; exec >/dev/null 2>&1; set -e; I=" + image_ +
                             "; mke2fs -q " + options + " $I; " + command;
    if (std::system(line.c_str()) != 0) {  // NOLINT(cert-env33-c): a fixed command
      return fail(Code::usage, "failed: " + line);
    }
    return check_file_system(Fd(::open(image_.c_str(), O_RDONLY | O_CLOEXEC)), wanted);
  }
  void expect_refused(const std::string& options, const std::string& command = ":") const {
    const auto checked = check(options, command);
    ASSERT_FALSE(checked) << options << "; " << command;
    EXPECT_EQ(checked.error().code(), Code::file_system_refused)
        << options << "; " << command << ": " << checked.error().line();
  }

  const TempDirectory directory_;
  const std::string image_ = directory_.path("image");
};

// As written in Debian 13, where systemd-repart calls mke2fs, too: the features of its mke2fs.conf.
constexpr auto debian13 =
    "-t ext4 -O has_journal,extent,huge_file,flex_bg,metadata_csum,metadata_csum_seed,64bit,dir_nlink,"
    "extra_isize,orphan_file ";
constexpr auto debian12 =
    "-t ext4 -O has_journal,extent,huge_file,flex_bg,metadata_csum,^metadata_csum_seed,64bit,dir_nlink,"
    "extra_isize,^orphan_file ";

TEST_F(Ext4Settings, TakeWhatIsMadeForStoresAndStates) {
  for (const char* const made : {debian12, debian13}) {
    for (const char* const options :
         {"", "-O verity", "-O verity -b 1024", "-b 4096 -m 0", "-E lazy_itable_init=1,lazy_journal_init=1",
          "-O ^has_journal,^orphan_file", "-O ^resize_inode,meta_bg",
          "-O ^metadata_csum,^metadata_csum_seed"}) {
      const auto checked = check(made + " "s + options);
      EXPECT_TRUE(checked) << made << options << ": " << checked.error().line();
    }
  }
}

TEST_F(Ext4Settings, TakeWhatUseLeavesBehind) {
  for (const char* const command :
       {"tune2fs -e remount-ro $I", "debugfs -w -R 'feature needs_recovery' $I",
        "debugfs -w -R 'feature orphan_present' $I", "tune2fs -m 1 -c 5 -i 30d -L other $I",
        "tune2fs -o ^acl,^user_xattr $I", "tune2fs -o acl $I"}) {
    const auto checked = check(debian13, command);
    EXPECT_TRUE(checked) << command << ": " << checked.error().line();
  }
}

TEST_F(Ext4Settings, ShouldFailOnOtherFeatures) {
  for (const char* const features :
       {"inline_data", "encrypt", "casefold", "bigalloc", "mmp", "quota", "quota,project", "ea_inode",
        "large_dir", "stable_inodes", "fast_commit", "^resize_inode,sparse_super2",
        "^metadata_csum,^metadata_csum_seed,uninit_bg"}) {
    expect_refused(debian13 + "-O "s + features);
  }
}

// Features that no program of today writes: any bit that is not on the list.
TEST_F(Ext4Settings, ShouldFailOnFeaturesOfTheFuture) {
  for (const char* const word : {"feature_compat", "feature_incompat", "feature_ro_compat"}) {
    // debugfs sets the word as a whole; what is lacking with it is not asked for.
    expect_refused(debian13, "debugfs -w -R 'set_super_value "s + word + " 0x80000040' $I");
  }
}

TEST_F(Ext4Settings, ShouldFailOnMountOptions) {
  for (const char* const command :
       {"tune2fs -o journal_data $I", "tune2fs -o journal_data_writeback $I", "tune2fs -o nobarrier $I",
        "tune2fs -o debug $I", "tune2fs -o bsdgroups $I", "tune2fs -o discard $I",
        "tune2fs -o block_validity $I", "tune2fs -o uid16 $I", "tune2fs -o nodelalloc $I",
        "tune2fs -E mount_opts=errors=panic $I", "debugfs -w -R 'set_super_value mount_opts x' $I"}) {
    expect_refused(debian13, command);
  }
}

TEST_F(Ext4Settings, ShouldFailWhenErrorsWouldStopTheMachine) {
  expect_refused(debian13, "tune2fs -e panic $I");
  expect_refused(debian13, "debugfs -w -R 'set_super_value errors 0' $I");
}

TEST_F(Ext4Settings, ShouldFailWithAJournalElsewhere) {
  expect_refused(debian13, "debugfs -w -R 'set_super_value journal_dev 0xfe01' $I");
  expect_refused(debian13, "debugfs -w -R 'set_super_value journal_inum 12' $I");
  expect_refused("-t ext4 -O ^has_journal,^orphan_file",
                 "debugfs -w -R 'set_super_value journal_inum 12' $I");
}

TEST_F(Ext4Settings, ShouldFailOnATestFileSystem) {
  expect_refused(debian13, "tune2fs -E test_fs $I");
}

TEST_F(Ext4Settings, AreLookedAtWhateverTypeIsWanted) {
  EXPECT_EQ(check(debian13, ":", "").value_or(""), "ext4");
  EXPECT_EQ(check(debian13, "tune2fs -e panic $I", "").error().code(), Code::file_system_refused);
}

TEST_F(Ext4Settings, AreThoseOfNoOtherFileSystem) {
  const auto checked = check(debian13, ":", "btrfs");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), Code::file_system_refused);
  EXPECT_EQ(checked.error().what(), "it holds ext4 and not btrfs");
  EXPECT_EQ(check("-t ext2").error().code(), Code::device_unreadable);
}

}  // namespace
}  // namespace cfs
