// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/hidden_mount.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cfs/base/file.hpp"
#include "unit/small_ext4.hpp"

namespace cfs {
namespace {

Error refusal(const std::string& device) {
  Kernel kernel;
  const auto mounted = mount_again(kernel, device, Access::read_only, Access::read_only);
  return mounted ? Error(Code::usage, "mounted") : mounted.error();
}

TEST(MountAgain, ShouldFailWithoutTheDevice) {
  const TempDirectory directory;
  const Error error = refusal(directory.path("absent"));
  EXPECT_EQ(error.code(), Code::io_error);
  EXPECT_NE(error.what().find(directory.path("absent")), std::string::npos) << error.what();
}

TEST(MountAgain, ShouldFailOnADeviceWithoutAFileSystem) {
  const TempDirectory directory;
  const std::string device = directory.write("device", std::string(1 << 20, 'x'));
  const Error error = refusal(device);
  EXPECT_EQ(error.code(), Code::device_unreadable);
  EXPECT_TRUE(error.what().starts_with(device)) << error.what();
}

class HiddenExt4 : public SmallExt4 {
 protected:
  [[nodiscard]] Result<HiddenMount> mounted(const HiddenMountRequest& request) {
    return mount_hidden(
        kernel_, {.path = device(), .device = Fd(::open(device().c_str(), O_RDONLY | O_CLOEXEC))}, request);
  }
  static constexpr unsigned long limits = ST_RDONLY | ST_NODEV | ST_NOSUID | ST_NOEXEC;

  Kernel kernel_;
};

TEST_F(HiddenExt4, HasTheAccessThatIsAskedFor) {
  {
    const auto mount = mounted({});
    ASSERT_TRUE(mount) << mount.error().line();
    EXPECT_EQ(mount->file_system, "ext4");
    EXPECT_EQ(mount->device.path, device());
    EXPECT_TRUE(mount->device.device);
    EXPECT_EQ(mount_flags(mount->mount) & limits, ST_RDONLY | ST_NODEV | ST_NOSUID);
    EXPECT_FALSE(kernel_.set_access(mount->mount, Access::read_write) &&
                 ::mkdirat(mount->mount.get(), "written", 0700) == 0);  // its superblock is read-only
  }
  const auto mount =
      mounted({.file_system = "ext4", .superblock = Access::read_write, .mount = Access::read_write});
  ASSERT_TRUE(mount) << mount.error().line();
  EXPECT_EQ(mount_flags(mount->mount) & limits, static_cast<unsigned long>(ST_NODEV | ST_NOSUID));
  EXPECT_EQ(::mkdirat(mount->mount.get(), "written", 0700), 0);
  // As on the running system: the same file system once more.
  const auto again = mount_again(kernel_, device(), Access::read_write, Access::read_only);
  ASSERT_TRUE(again) << again.error().line();
  EXPECT_EQ(mount_flags(again->mount) & limits, limits);
  EXPECT_EQ(::faccessat(again->mount.get(), "written", F_OK, 0), 0);
}

TEST_F(HiddenExt4, IsRefusedWhereAnotherFileSystemIsWanted) {
  const auto mount = mounted({.file_system = "btrfs"});
  ASSERT_FALSE(mount);
  EXPECT_EQ(mount.error().code(), Code::file_system_refused);
  EXPECT_TRUE(mount.error().what().starts_with(device() + ": ")) << mount.error().what();
}

TEST_F(HiddenExt4, GrowsToItsDevice) {
  if (!may_resize()) {
    GTEST_SKIP() << "root may not resize file systems here";
  }
  const auto mount =
      mounted({.file_system = {}, .superblock = Access::read_write, .mount = Access::read_write});
  ASSERT_TRUE(mount) << mount.error().line();
  const auto before = size_of(mount->mount);
  double_device();
  for (int round = 0; round < 2; ++round) {
    const auto grown = kernel_.grow_ext4(mount->mount, mount->device.device);
    ASSERT_TRUE(grown) << grown.error().line();
    EXPECT_GT(size_of(mount->mount), before + size * 3 / 4);
  }
  EXPECT_EQ(kernel_.grow_ext4(mount->mount, Fd()).error().code(), Code::io_error);
  EXPECT_EQ(kernel_.grow_ext4(open_directory(directory_.path()).value(), mount->device.device).error().what(),
            "EXT4_IOC_RESIZE_FS: Inappropriate ioctl for device");
}

}  // namespace
}  // namespace cfs
