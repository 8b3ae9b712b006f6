// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cfs/base/file.hpp"
#include "cfs/kernel/kernel.hpp"
#include "unit/loop_device.hpp"
#include "unit/private_mounts.hpp"
#include "unit/small_image.hpp"

namespace cfs {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

class KernelImage : public RootMounts {
 protected:
  // Mounts an image that lies on a file system of this type.
  void expect_mounts(const char* type) {
    ASSERT_EQ(::mount("x", make_directory("store").c_str(), type, 0, nullptr), 0);
    const std::string file =
        directory_.write("store/image", small_image({{"file", "contents"}, {"usr", ""}}));
    const auto mount = kernel_.mount_image(verified_image(file));
    ASSERT_TRUE(mount) << mount.error().line();
    EXPECT_EQ(mount_flags(*mount) & (ST_RDONLY | ST_NODEV | ST_NOSUID | ST_NOEXEC),
              static_cast<unsigned long>(ST_RDONLY));
    EXPECT_EQ(list_directory(*mount).value(), (std::vector<std::string>{"file", "usr"}));
    EXPECT_EQ(read_all(open_file_beneath(*mount, "file").value(), 100).value(), "contents");
    const std::string place = make_directory("there");
    ASSERT_TRUE(kernel_.attach(*mount, open_directory(place).value(), "."));
    const auto line = mount_at(place).value_or(MountLine());
    EXPECT_EQ(line.type, "erofs");
    EXPECT_TRUE(line.superblock_has("ro")) << line.superblock;
    source_ = line.source;
    kernel_.detach(place);
  }
  Kernel kernel_;
  std::string source_;  // of the mount that is gone again
};

// Linux 6.12 can; before that, it takes a loop device as well.
TEST_F(KernelImage, IsMountedFromItsFile) {
  expect_mounts("ramfs");
  EXPECT_THAT(kernel_.features(), ElementsAre(AnyOf("erofs-file", "erofs-loop")));
}

// EROFS cannot read the files of a tmpfs.
TEST_F(KernelImage, IsMountedByALoopDeviceWhereItsFileWillNotDo) {
  if (!LoopDevice(directory_.write("any", std::string(4096, 'x')))) {
    GTEST_SKIP() << "this machine has no loop device to spare";
  }
  expect_mounts("tmpfs");
  EXPECT_THAT(kernel_.features(), ElementsAre("erofs-loop"));
  // The device goes with its last user.
  const std::string attached = "/sys/block" + source_.substr(source_.rfind('/')) + "/loop/backing_file";
  for (int tries = 0; tries < 500 && std::filesystem::exists(attached); ++tries) {
    ::usleep(10'000);
  }
  EXPECT_FALSE(read_bytes(attached).starts_with(directory_.path())) << source_;
}

TEST_F(KernelImage, IsRefusedWhereItIsNone) {
  for (const char* type : {"ramfs", "tmpfs"}) {
    ASSERT_EQ(::mount("x", make_directory("store").c_str(), type, 0, nullptr), 0);
    const auto mount =
        kernel_.mount_image(verified_image(directory_.write("store/image", std::string(4096, 'x'))));
    ASSERT_FALSE(mount);
    EXPECT_EQ(mount.error().code(), Code::mount_failed) << mount.error().line();
  }
}

}  // namespace
}  // namespace cfs
