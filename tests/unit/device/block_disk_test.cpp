// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/block_disk.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

namespace fs = std::filesystem;

// A sysfs with the devices of a machine.
class BlockDiskTest : public ::testing::Test {
 protected:
  BlockDiskTest() {
    add("pci0000:00/0000:00:04.0/virtio1/block/vda");
    add_partition("pci0000:00/0000:00:04.0/virtio1/block/vda", "vda1");
    add_partition("pci0000:00/0000:00:04.0/virtio1/block/vda", "vda2");
    add("pci0000:00/0000:00:05.0/virtio2/block/vdb");
    add_partition("pci0000:00/0000:00:05.0/virtio2/block/vdb", "vdb1");
    add("pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sda");
    add_partition("pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sda", "sda1");
  }

  void add(const std::string& disk, const std::string& removable = "0") {
    directory_.write("devices/" + disk + "/removable", removable + '\n');
    link(disk);
  }
  void add_partition(const std::string& disk, const std::string& name) {
    directory_.write("devices/" + disk + '/' + name + "/partition", "1\n");
    link(disk + '/' + name);
  }
  // A device of the mapper or an array.
  void add_made(const std::string& name, const std::vector<std::string>& parts) {
    add("virtual/block/" + name);
    for (const std::string& part : parts) {
      add_part(name, part);
    }
  }
  void add_part(const std::string& name, const std::string& part) {
    directory_.link(
        "devices/virtual/block/" + name + "/slaves/" + part,
        "../../../../" + fs::relative(fs::canonical(block(part)), directory_.path("devices")).string());
  }

  void add_controller(const std::string& subsystem, const std::string& controller) {
    directory_.link(
        "devices/virtual/nvme-subsystem/" + subsystem + '/' + fs::path(controller).filename().string(),
        "../../../" + controller);
  }

  void add_elsewhere(const std::string& name) { directory_.link("block/" + name, "../other/" + name); }

  [[nodiscard]] std::string block(const std::string& name) const { return directory_.path("block/" + name); }
  [[nodiscard]] Result<BlockDisk> find(const std::string& name) const {
    return disk_at(block(name), directory_.path());
  }
  [[nodiscard]] BlockDisk disk(const std::string& name) const {
    const auto found = find(name);
    EXPECT_TRUE(found) << name << ": " << found.error().line();
    return found.value_or(BlockDisk());
  }
  [[nodiscard]] std::string name(const std::string& device) const {
    return fs::path(disk(device).directory).filename();
  }

 private:
  void link(const std::string& device) {
    directory_.link("block/" + fs::path(device).filename().string(), "../devices/" + device);
  }
  const TempDirectory directory_;
};

TEST_F(BlockDiskTest, OfAPartitionIsTheOneItIsAPartOf) {
  EXPECT_EQ(name("vda"), "vda");
  EXPECT_EQ(name("vda1"), "vda");
  EXPECT_EQ(disk("vda1").directory, disk("vda2").directory);
  EXPECT_NE(disk("vda1").directory, disk("vdb1").directory);
}

TEST_F(BlockDiskTest, OfAMappedDeviceIsTheOneItIsMadeOf) {
  add_made("dm-0", {"vda2"});
  add_made("dm-1", {"dm-0"});
  EXPECT_EQ(name("dm-1"), "vda");
}

TEST_F(BlockDiskTest, OfAnArrayIsTheArray) {
  add_made("md0", {"vda1", "vdb1"});
  add_partition("virtual/block/md0", "md0p1");
  add_made("dm-0", {"md0p1"});
  EXPECT_EQ(name("md0"), "md0");
  EXPECT_EQ(name("dm-0"), "md0");
  EXPECT_FALSE(disk("dm-0").removable);
}

TEST_F(BlockDiskTest, IsRemovableWhenTheKernelOrItsBusSaysSo) {
  EXPECT_FALSE(disk("vda1").removable);
  EXPECT_TRUE(disk("sda").removable);
  EXPECT_TRUE(disk("sda1").removable);
  add("pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sr0", "1");
  EXPECT_TRUE(disk("sr0").removable);
}

// Thunderbolt: the PCI device that was plugged in says so.
TEST_F(BlockDiskTest, IsRemovableBehindADeviceThatIs) {
  add("pci0000:00/0000:3a:00.0/nvme/nvme0/nvme0n1");
  EXPECT_FALSE(disk("nvme0n1").removable);
  add("pci0000:00/0000:3b:00.0/nvme/nvme1/nvme1n1");
  add("pci0000:00/0000:3b:00.0", "removable");
  EXPECT_TRUE(disk("nvme1n1").removable);
  add("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e1:00.0/nvme/nvme2/nvme2n1");
  EXPECT_FALSE(disk("nvme2n1").removable);
  add("pci0000:00/0000:00:0e.0/pci10000:e0/10000:e1:00.0", "removable");
  EXPECT_TRUE(disk("nvme2n1").removable);
}

TEST_F(BlockDiskTest, IsRemovableBehindAControllerThatIsOneOfSeveral) {
  add("virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
  add_controller("nvme-subsys0", "pci0000:00/0000:3a:00.0/nvme/nvme0");
  EXPECT_FALSE(disk("nvme0n1").removable);
  add("pci0000:00/0000:3b:00.0", "removable");
  add_controller("nvme-subsys0", "pci0000:00/0000:3b:00.0/nvme/nvme1");
  EXPECT_TRUE(disk("nvme0n1").removable);
}

TEST_F(BlockDiskTest, IsRemovableWhenAPartOfItIs) {
  add_made("md0", {"vda1", "sda1"});
  add_made("dm-0", {"md0"});
  EXPECT_TRUE(disk("dm-0").removable);
}

TEST_F(BlockDiskTest, IsNotTakenForRemovableByTheNameOfADriver) {
  add("platform/usbstuff/usb/block/vdz");
  EXPECT_FALSE(disk("vdz").removable);
}

TEST_F(BlockDiskTest, ShouldFailForADeviceMadeOfItself) {
  add_made("dm-0", {});
  add_part("dm-0", "dm-0");
  EXPECT_FALSE(find("dm-0"));
}

TEST_F(BlockDiskTest, ShouldFailForALinkThatLeadsElsewhere) {
  EXPECT_FALSE(find("missing"));
  add_elsewhere("vdy");
  EXPECT_FALSE(find("vdy"));
}

TEST_F(BlockDiskTest, ShouldFailForWhatIsNoBlockDevice) {
  EXPECT_FALSE(disk_of(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))));
  EXPECT_FALSE(disk_of(Fd()));
}

}  // namespace
}  // namespace cfs
