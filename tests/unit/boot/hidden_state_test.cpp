// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/hidden_state.hpp"

#include "cfs/mount/hidden_mount.hpp"
#include "unit/small_ext4.hpp"

namespace cfs {
namespace {

// The state of a running system, which the report names.
class HiddenState : public SmallExt4 {
 protected:
  void SetUp() override {
    SmallExt4::SetUp();
    if (IsSkipped()) {
      return;
    }
    ASSERT_EQ(::mount("run", "/run", "tmpfs", 0, nullptr), 0);
    mount_ = mount_again(kernel_, device(), Access::read_write, Access::read_write).value().mount;
  }
  void TearDown() override {
    if (!IsSkipped()) {
      (void)::umount2("/run", MNT_DETACH);
    }
    SmallExt4::TearDown();
  }
  static void name_device(const std::string& path) {
    std::filesystem::create_directories("/run/composefs-root");
    std::ofstream("/run/composefs-root/state-device") << path;
  }
  [[nodiscard]] bool can_write() const {
    const bool made = ::mkdirat(mount_.get(), "new", 0700) == 0;
    (void)::unlinkat(mount_.get(), "new", AT_REMOVEDIR);
    return made;
  }

  Kernel kernel_;
  Fd mount_;
};

TEST_F(HiddenState, IsMadeReadOnlyForAllWhoUseIt) {
  EXPECT_TRUE(can_write());
  name_device(device());
  const auto released = release_state(kernel_);
  ASSERT_TRUE(released) << released.error().line();
  EXPECT_FALSE(can_write());
}

TEST_F(HiddenState, GrowsToItsDevice) {
  if (!may_resize()) {
    GTEST_SKIP() << "root may not resize file systems here";
  }
  name_device(device());
  const auto before = size_of(mount_);
  double_device();
  const auto grown = grow_state(kernel_);
  ASSERT_TRUE(grown) << grown.error().line();
  EXPECT_GT(size_of(mount_), before + size / 2);
}

TEST_F(HiddenState, IsNothingWhereTheReportNamesNone) {
  for (const bool empty : {false, true}) {
    if (empty) {
      name_device("");
    }
    EXPECT_TRUE(release_state(kernel_));
    EXPECT_TRUE(grow_state(kernel_));
    EXPECT_TRUE(can_write());
  }
}

TEST_F(HiddenState, MustBeOnTheDeviceThatTheReportNames) {
  name_device(directory_.path("absent"));
  EXPECT_EQ(release_state(kernel_).error().code(), Code::io_error);
  std::filesystem::remove("/run/composefs-root/state-device");
  std::filesystem::create_directories("/run/composefs-root/state-device");
  EXPECT_EQ(release_state(kernel_).error().code(), Code::io_error);
  EXPECT_EQ(grow_state(kernel_).error().code(), Code::io_error);
}

}  // namespace
}  // namespace cfs
