// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/hidden_mount.hpp"

#include <gtest/gtest.h>

#include "unit/temp_directory.hpp"

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

}  // namespace
}  // namespace cfs
