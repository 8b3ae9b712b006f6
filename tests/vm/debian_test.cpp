// SPDX-License-Identifier: Apache-2.0
// Boots a whole Debian 13 root, made by qemu/debian-root, to multi-user.target, logs in on its console and
// looks around, as its user would.
#include <gmock/gmock.h>

#include "login_console.hpp"
#include "small_machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Debian : public ::testing::TestWithParam<const char*> {};

TEST_P(Debian, BootsToMultiUserFromAVerifiedRoot) {
  const std::string suite = GetParam();
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL: qemu/run --check boots the like";
  }
  const Workshop workshop;
  const std::filesystem::path root = must({CFS_SOURCE "/qemu/debian-root", "trixie"});
  cfs_sign({"keygen", workshop / "device"});
  std::filesystem::create_directory(workshop / "keys");
  std::filesystem::copy_file(workshop / "device.pub", workshop / "keys/device.pub");
  const auto store = workshop / "store";
  const std::string digest =
      add_image(store, root, "debian", workshop / "device.key", {"--etc", "transient"});
  cfs_sign({"slot", "--store", store, "current", "debian"});
  cfs_sign({"disk", "--store", store, "-o", workshop / "disk.img"});
  std::filesystem::remove_all(store);
  write(workshop / "policy.toml", disk_policy);
  const KernelFiles kernel = debian_kernel(suite);

  MachineOptions options;
  options.kernel = kernel.image;
  options.initrd = make_initramfs({.policy = workshop / "policy.toml",
                                   .keys = workshop / "keys",
                                   .kernel = kernel,
                                   .output = workshop / "initramfs.img"});
  options.cmdline = "console=" + serial_console() + " panic=-1 systemd.firstboot=off";
  options.disks.push_back({.file = workshop / "disk.img"});
  Console console(options);

  EXPECT_EQ(console.run("systemctl is-active multi-user.target"), "active\n");
  EXPECT_EQ(console.run("systemctl --failed --plain --no-legend"), "");
  EXPECT_THAT(console.run("findmnt --raw --noheadings --output FSTYPE,SOURCE,OPTIONS /"),
              AllOf(HasSubstr("overlay"), HasSubstr("composefs-root"), HasSubstr("ro,"),
                    HasSubstr("verity=require")));
  EXPECT_THAT(console.run("cat /run/composefs-root/boot.json"), HasSubstr(digest));
  EXPECT_THAT(console.run("touch /usr/new 2>&1"), HasSubstr("Read-only file system"));
  EXPECT_EQ(console.run("touch /etc/new /var/new 2>&1"), "");
  EXPECT_THAT(console.run("findmnt --raw --noheadings --output TARGET,FSTYPE,OPTIONS /var"),
              AllOf(HasSubstr("ext4"), HasSubstr("nosuid,nodev")));
  // The store's file system and the image are pinned by the root, and in nobody's view.
  EXPECT_THAT(console.run("cat /proc/1/mountinfo"),
              AllOf(Not(HasSubstr("erofs")), Not(HasSubstr("composefs-store"))));
  EXPECT_EQ(console.run("find / -xdev -path '*composefs*objects*' -print -quit"), "");
  // Contents as in the tree that was composed.
  const std::string sums =
      "find usr/bin usr/lib/systemd -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum";
  EXPECT_EQ(console.run("cd / && " + sums), must({"sh", "-c", "cd " + root.string() + " && " + sums}) + "\n");
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Debian, ::testing::Values("trixie", "sid"));

}  // namespace
}  // namespace cfs::test
