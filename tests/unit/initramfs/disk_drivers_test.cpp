// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/disk_drivers.hpp"

#include <gtest/gtest.h>

#include "unit/newc_archive.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using Names = std::vector<std::string>;

constexpr std::string_view parts =
    "kernel/fs/ext4/ext4.ko\n"
    "kernel/drivers/block/loop.ko\n"
    "kernel/drivers/nvme/host/nvme-core.ko\n"
    "kernel/drivers/scsi/scsi_mod.ko\n"
    "kernel/drivers/virtio/virtio_pci.ko\n";

TEST(DiskDrivers, AreThoseThatMakeDisks) {
  EXPECT_EQ(built_in_disk_drivers(""), Names());
  EXPECT_EQ(built_in_disk_drivers(parts), Names());
  EXPECT_EQ(built_in_disk_drivers("kernel/drivers/block/virtio_blk.ko\n"
                                  "kernel/drivers/nvme/host/nvme.ko\n"
                                  "kernel/drivers/ata/ahci.ko\n"
                                  "kernel/drivers/mmc/core/mmc_block.ko\n"
                                  "kernel/drivers/usb/storage/usb-storage.ko"),
            Names({"virtio_blk", "nvme", "ahci", "mmc_block", "usb-storage"}));
}

class CheckDiskDrivers : public ::testing::Test {
 protected:
  [[nodiscard]] Result<std::string> checked(const std::string& built_in, const Names& required,
                                            CmdlineTrust trust = CmdlineTrust::untrusted_cmdline) const {
    directory_.write("modules.builtin", std::string(parts) + built_in);
    Policy policy;
    policy.cmdline.trust = trust;
    return check_disk_drivers(directory_.path(""), required, policy);
  }

 private:
  TempDirectory directory_;
};

TEST_F(CheckDiskDrivers, AllModules) {
  EXPECT_EQ(checked("", {}), "");
  EXPECT_EQ(checked("", {"virtio_blk", "virtio_pci"}), "");
}

TEST_F(CheckDiskDrivers, RefusesABuiltInDriverOfTheDeviceUnlessTheCommandLineIsSigned) {
  const std::string usb = "kernel/drivers/usb/storage/usb-storage.ko\n";
  for (const Names& required : {Names{"usb_storage"}, Names{"virtio_blk", "usb-storage"}, Names{}}) {
    const auto refused = checked(usb, required);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::unsupported_input);
    EXPECT_NE(refused.error().what().find("usb-storage built in"), std::string::npos)
        << refused.error().what();
    EXPECT_EQ(checked(usb, required, CmdlineTrust::signed_cmdline), "");
  }
}

TEST_F(CheckDiskDrivers, WarnsOfOthers) {
  const auto warning = checked("kernel/drivers/nvme/host/nvme.ko\n", {"virtio_blk"});
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find("nvme built in"), std::string::npos) << *warning;
}

TEST(DiskDriverWarning, NamesWhatTheKernelOfAnInitrdHasBuiltIn) {
  const auto initrd = [](const std::string& list) {
    return newc_archive({ArchiveEntry{.name = "usr/lib/modules/6.12/modules.builtin", .contents = list}});
  };
  const std::string nvme = initrd("kernel/drivers/nvme/host/nvme.ko\n");
  Policy policy;
  EXPECT_NE(disk_driver_warning(nvme, policy).find("nvme built in"), std::string::npos);
  EXPECT_EQ(disk_driver_warning(initrd("kernel/fs/ext4/ext4.ko\n"), policy), "");
  EXPECT_EQ(disk_driver_warning(newc_archive({ArchiveEntry{.name = "init"}}), policy), "");
  policy.cmdline.trust = CmdlineTrust::signed_cmdline;
  EXPECT_EQ(disk_driver_warning(nvme, policy), "");
}

TEST_F(CheckDiskDrivers, ATreeWithoutTheListIsNone) {
  const TempDirectory empty;
  EXPECT_EQ(check_disk_drivers(empty.path(""), {}, Policy()).error().code(), Code::not_found);
}

}  // namespace
}  // namespace cfs
