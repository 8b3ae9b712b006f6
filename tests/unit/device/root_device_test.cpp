// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/root_device.hpp"

#include <gtest/gtest.h>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(RootDevice, RefusesWhatIsNoBlockDevice) {
  const TempDirectory directory;
  EXPECT_EQ(publish_root_device("/dev/null", directory.path("systemd")).error().code(), Code::io_error);
  EXPECT_EQ(publish_root_device("/dev/absent", directory.path("systemd")).error().code(), Code::io_error);
  EXPECT_FALSE(std::filesystem::exists(directory.path("systemd")));
}

}  // namespace
}  // namespace cfs
