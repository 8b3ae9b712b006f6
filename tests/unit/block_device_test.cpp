#include "cfs/block_device.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "temp_directory.hpp"

namespace cfs {
namespace {

DeviceSpec spec(const char* text) {
  return *DeviceSpec::parse(text);
}

TEST(Probe, ReadsTheTagsOfAFileSystem) {
  const TempDirectory directory;
  const std::string image = directory.path("image");
  const std::string command =
      "PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -L a-store -U 0f0e0d0c-0b0a-4908-8706-"
      "050403020100 " +
      image + " 4M >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(cert-env33-c): a fixed command
  const DeviceTags tags = probe(Fd(::open(image.c_str(), O_RDONLY | O_CLOEXEC)));
  EXPECT_EQ(tags.file_system, "ext4");
  EXPECT_EQ(tags.label, "a-store");
  EXPECT_EQ(tags.uuid, "0f0e0d0c-0b0a-4908-8706-050403020100");
  EXPECT_EQ(tags.partlabel, "");
}

TEST(Probe, FindsNothingInNoise) {
  const TempDirectory directory;
  const std::string image = directory.write("image", std::string(1 << 20, 'x'));
  const DeviceTags tags = probe(Fd(::open(image.c_str(), O_RDONLY | O_CLOEXEC)));
  EXPECT_EQ(tags.file_system + tags.uuid + tags.label + tags.partuuid + tags.partlabel, "");
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
  const auto found =
      wait_for_device(spec("LABEL=no-such-label-anywhere"), std::chrono::seconds(1), [&] { ++calls; });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::device_missing);
  EXPECT_NE(found.error().what().find("LABEL=no-such-label-anywhere after 1 s"), std::string::npos)
      << found.error().what();
  EXPECT_GE(calls, 2);
}

}  // namespace
}  // namespace cfs
