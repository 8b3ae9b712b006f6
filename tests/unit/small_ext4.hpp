// SPDX-License-Identifier: Apache-2.0
// A real ext4 on a block device, for tests that root runs.
#pragma once

#include <linux/capability.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <optional>

#include "unit/loop_device.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {

class SmallExt4 : public RootMounts {
 protected:
  static constexpr std::uintmax_t size = 16UL << 20;

  void SetUp() override {
    RootMounts::SetUp();
    if (IsSkipped()) {
      return;
    }
    const std::string image = directory_.write("image", "");
    std::filesystem::resize_file(image, size);
    const std::string make = "PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q " + image;
    ASSERT_EQ(std::system((make + " >/dev/null 2>&1").c_str()), 0);
    loop_.emplace(image);
    if (!*loop_) {
      GTEST_SKIP() << "this machine has no loop device to spare";
    }
  }
  [[nodiscard]] const std::string& device() const { return loop_->path(); }
  // Some containers keep this from root.
  [[nodiscard]] static bool may_resize() { return ::prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE) == 1; }
  void double_device() const {
    std::filesystem::resize_file(directory_.path("image"), 2 * size);
    ASSERT_TRUE(loop_->resize());
  }
  [[nodiscard]] static std::uintmax_t size_of(const Fd& mount) {
    struct statvfs status{};
    EXPECT_EQ(::fstatvfs(mount.get(), &status), 0);
    return status.f_blocks * status.f_frsize;
  }

 private:
  std::optional<LoopDevice> loop_;
};

}  // namespace cfs
