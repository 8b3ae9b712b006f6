// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/block_device.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cfs {
namespace {

DeviceSpec spec(const char* text) {
  return *DeviceSpec::parse(text);
}

TEST(Matches, ComparesTheTagThatIsAskedFor) {
  const DeviceTags tags{
      .file_system = "ext4", .uuid = "abCD", .label = "Store", .partuuid = "12-34", .partlabel = "P"};
  EXPECT_TRUE(matches(spec("UUID=ABcd"), "/dev/vda", tags));
  EXPECT_TRUE(matches(spec("LABEL=Store"), "/dev/vda", tags));
  EXPECT_FALSE(matches(spec("LABEL=store"), "/dev/vda", tags));
  EXPECT_TRUE(matches(spec("PARTUUID=12-34"), "/dev/vda", tags));
  EXPECT_FALSE(matches(spec("PARTUUID=abcd"), "/dev/vda", tags));
  EXPECT_TRUE(matches(spec("PARTLABEL=P"), "/dev/vda", tags));
  EXPECT_TRUE(matches(spec("/dev/vda"), "/dev/vda", tags));
  EXPECT_FALSE(matches(spec("/dev/vda"), "/dev/vdb", tags));
}

TEST(Matches, NeverMatchesADeviceWithoutTheTag) {
  for (const auto by :
       {DeviceSpec::By::uuid, DeviceSpec::By::label, DeviceSpec::By::partuuid, DeviceSpec::By::partlabel}) {
    EXPECT_FALSE(matches({.by = by, .value = ""}, "/dev/vda", {}));
  }
}

TEST(WaitForDevice, EndsAtTheDeadlineAndKeepsCallingMeanwhile) {
  int calls = 0;
  const auto found = wait_for_device(spec("LABEL=no-such-label-anywhere"),
                                     {.timeout = std::chrono::seconds(1)}, [&] { ++calls; });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::device_missing);
  EXPECT_NE(found.error().what().find("LABEL=no-such-label-anywhere after 1 s"), std::string::npos)
      << found.error().what();
  EXPECT_GE(calls, 2);
}

}  // namespace
}  // namespace cfs
