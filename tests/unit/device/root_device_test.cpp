// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/root_device.hpp"

#include <gtest/gtest.h>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(RootDevice, RefusesWhatIsNoBlockDevice) {
  const TempDirectory directory;
  errno = EDOM;  // of a call before, which must not be the reason
  const auto refusal = [&](const std::string& device) {
    return publish_root_device(device, directory.path("systemd")).error().line();
  };
  EXPECT_TRUE(refusal("/dev/null").starts_with("io-error: /dev/null is not a block device: "));
  EXPECT_TRUE(refusal("/dev/absent")
                  .starts_with("io-error: find the number of /dev/absent: No such file or directory: "));
  EXPECT_FALSE(std::filesystem::exists(directory.path("systemd")));
}

}  // namespace
}  // namespace cfs
