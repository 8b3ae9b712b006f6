// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/verified_root.hpp"

#include <sys/sysmacros.h>

#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

// How a root is verified and composed, machines show: it takes a device with fs-verity.
class PublishRoot : public RootMounts {
 protected:
  // A /run and a /dev of the test's own, with one block device that nobody opens.
  void SetUp() override {
    RootMounts::SetUp();
    if (IsSkipped()) {
      return;
    }
    ASSERT_EQ(::mount("run", "/run", "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(::mount("dev", "/dev", "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(::mknod("/dev/disk", S_IFBLK | 0600, makedev(254, 17)), 0);
  }
  void TearDown() override {
    if (!IsSkipped()) {
      (void)::umount2("/dev", MNT_DETACH);
      (void)::umount2("/run", MNT_DETACH);
    }
    RootMounts::TearDown();
  }
};

TEST_F(PublishRoot, WritesTheReportAndNamesTheDevice) {
  Report report;
  report.store_device = "/dev/disk";
  report.mounts = {{.id = 7, .device = "0:40", .root = "/", .path = "/"}};
  for (int round = 0; round < 2; ++round) {
    const auto published = publish_root(report);
    ASSERT_TRUE(published) << published.error().line();
    EXPECT_EQ(read_bytes("/run/composefs-root/mounts"), "0:40 / /\n");
    EXPECT_EQ(std::filesystem::read_symlink("/run/systemd/volatile-root"), "/dev/block/254:17");
    EXPECT_EQ(std::filesystem::read_symlink("/dev/block/254:17"), "/dev/disk");
  }
}

TEST_F(PublishRoot, SaysWhatCannotBeWritten) {
  Report report;
  report.store_device = "/dev/absent";
  EXPECT_EQ(publish_root(report).error().code(), Code::io_error);
  report.store_device = "/dev/disk";
  for (const std::string blocked : {"/run/systemd", "/dev/block", "/run/composefs-root"}) {
    std::filesystem::remove_all(blocked);
    std::ofstream(blocked) << "a file";
    EXPECT_FALSE(publish_root(report)) << blocked;
    std::filesystem::remove(blocked);
    EXPECT_TRUE(publish_root(report)) << blocked;
  }
}

}  // namespace
}  // namespace cfs
