// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/block_device.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>

#include "cfs/base/text.hpp"
#include "unit/loop_device.hpp"
#include "unit/temp_directory.hpp"

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

TEST(Matches, ComparesTheWholeTag) {
  const DeviceTags tags{
      .file_system = "ext4", .uuid = "ab-cd", .label = "store", .partuuid = "12-34", .partlabel = "part"};
  for (const char* other :
       {"UUID=ab-c", "UUID=ab-cde", "UUID=b-cd", "LABEL=stor", "LABEL=store2", "LABEL=tore", "PARTUUID=12-3",
        "PARTUUID=12-345", "PARTLABEL=par", "PARTLABEL=parts", "PARTLABEL=Part", "PARTLABEL=store",
        "LABEL=part", "UUID=12-34", "PARTUUID=ab-cd", "/dev/vd", "/dev/vda1"}) {
    EXPECT_FALSE(matches(spec(other), "/dev/vda", tags)) << other;
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

// Devices with superblocks of their own, on a machine that has others.
class LoopDevices : public ::testing::Test {
 protected:
  // A block device that says it holds an ext4 of this label and UUID.
  [[nodiscard]] LoopDevice device(const std::string& label, char uuid) {
    std::string bytes(1 << 20, '\0');
    const auto put = [&](std::size_t offset, const std::string& field) {
      bytes.replace(1024 + offset, field.size(), field);
    };
    put(56, "\x53\xEF");
    put(96, std::string("\x40\0\0\0", 4));  // extents: what ext3 does not have
    put(104, std::string(16, uuid));
    put(120, label);
    return LoopDevice(directory_.write(cat("image-", ++count_), bytes));
  }
  [[nodiscard]] static Result<BlockDevice> find(const DeviceSpec& spec) {
    return wait_for_device(spec, {.timeout = std::chrono::seconds(0)}, [] {});
  }
  // Of this process alone: whatever else runs here may have such devices, too.
  [[nodiscard]] static std::string label() { return cat("cfs-", ::getpid()); }

 private:
  const TempDirectory directory_;
  unsigned count_ = 0;
};

TEST_F(LoopDevices, AreFoundByTheTagThatIsTheirs) {
  const LoopDevice one = device(label() + "-1", 'a');
  const LoopDevice other = device(label() + "-12", 'b');
  if (!one || !other) {
    GTEST_SKIP() << "this needs root and loop devices";
  }
  const auto path_of = [](const DeviceSpec& spec) {
    const auto found = find(spec);
    EXPECT_TRUE(!found || found->device);
    return found ? found->path : std::string(name(found.error().code()));
  };
  EXPECT_EQ(path_of({DeviceSpec::By::label, label() + "-1"}), one.path());
  EXPECT_EQ(path_of({DeviceSpec::By::label, label() + "-12"}), other.path());
  EXPECT_EQ(path_of({DeviceSpec::By::label, label()}), "device-missing");
  EXPECT_EQ(path_of({DeviceSpec::By::path, one.path()}), one.path());
  EXPECT_EQ(path_of({DeviceSpec::By::path, "/dev/null"}), "device-missing");
  EXPECT_EQ(path_of({DeviceSpec::By::partlabel, label() + "-1"}), "device-missing");
}

TEST_F(LoopDevices, OfOneTagAreRefused) {
  const LoopDevice one = device(label(), 'c');
  const LoopDevice other = device(label(), 'd');
  if (!one || !other) {
    GTEST_SKIP() << "this needs root and loop devices";
  }
  const auto found = find({DeviceSpec::By::label, label()});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::device_ambiguous);
  EXPECT_TRUE(found.error().what() == cat(one.path(), " and ", other.path(), " both are LABEL=", label()) ||
              found.error().what() == cat(other.path(), " and ", one.path(), " both are LABEL=", label()))
      << found.error().what();
}

TEST_F(LoopDevices, AreFoundWhenTheyAppear) {
  if (!device(label(), 'e')) {
    GTEST_SKIP() << "this needs root and loop devices";
  }
  std::optional<LoopDevice> late;
  const auto begin = std::chrono::steady_clock::now();
  const auto found =
      wait_for_device({DeviceSpec::By::label, label()}, {.timeout = std::chrono::seconds(60)}, [&] {
        if (!late) {
          late.emplace(device(label(), 'e'));
        }
      });
  ASSERT_TRUE(found) << found.error().line();
  EXPECT_EQ(found->path, late->path());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace cfs
