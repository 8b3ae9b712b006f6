// SPDX-License-Identifier: Apache-2.0
#include "cfs/generator/systemd_escape.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

std::string node(std::string_view device) {
  return device_node(DeviceSpec::parse(device).value());
}

TEST(SystemdEscape, DeviceNodesAreTheLinksOfUdev) {
  EXPECT_EQ(node("/dev/vda2"), "/dev/vda2");
  EXPECT_EQ(node("UUID=1234-ABCD"), "/dev/disk/by-uuid/1234-abcd");
  EXPECT_EQ(node("PARTUUID=00AB-01"), "/dev/disk/by-partuuid/00ab-01");
  EXPECT_EQ(node("LABEL=Root"), "/dev/disk/by-label/Root");
  EXPECT_EQ(node("PARTLABEL=composefs-store"), "/dev/disk/by-partlabel/composefs-store");
}

TEST(SystemdEscape, TagsAreEncodedAsUdevDoes) {
  EXPECT_EQ(node("LABEL=a b/c%d\"e'f\\g\x01~"),
            R"(/dev/disk/by-label/a\x20b\x2fc\x25d\x22e\x27f\x5cg\x01\x7e)");
  EXPECT_EQ(node("PARTLABEL=#+-.:=@_"), "/dev/disk/by-partlabel/#+-.:=@_");
  EXPECT_EQ(node("LABEL=gr\xc3\xb6n"), "/dev/disk/by-label/gr\xc3\xb6n");
}

// What systemd-escape(1) of systemd 252 prints.
TEST(SystemdEscape, UnitNames) {
  EXPECT_EQ(unit_name("/dev/vda2", "device"), "dev-vda2.device");
  EXPECT_EQ(unit_name("/dev/disk/by-label/a b", "device"), R"(dev-disk-by\x2dlabel-a\x20b.device)");
  EXPECT_EQ(unit_name(R"(/dev/disk/by-label/a\x20b)", "device"), R"(dev-disk-by\x2dlabel-a\x5cx20b.device)");
  EXPECT_EQ(unit_name("/dev/.a.b_c:d%e@f", "device"), R"(dev-.a.b_c:d\x25e\x40f.device)");
  EXPECT_EQ(unit_name("/.a/gr\xc3\xb6n", "mount"), R"(\x2ea-gr\xc3\xb6n.mount)");
}

TEST(SystemdEscape, UnitNamesHaveAnEnd) {
  const std::string longest = "/" + std::string(255 - 7, 'a');
  EXPECT_EQ(unit_name(longest, "device")->size(), 255);
  const auto longer = unit_name(longest + "a", "device");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code(), Code::unsupported_input);
}

TEST(SystemdEscape, ValuesKeepTheirMeaning) {
  EXPECT_EQ(unit_value("/dev/a b\"c'%d%%"), "/dev/a b\"c'%%d%%%%");
  EXPECT_EQ(unit_value(R"(/dev/a\x20b)"), R"(/dev/a\x20b)");
}

TEST(SystemdEscape, ValuesThatNoLineCanHoldAreRefused) {
  for (const std::string_view text :
       {"/dev/a\nOptions=rw", "/dev/a\r", "/dev/\ta", "/dev/a\x7f", "/dev/a ", "/dev/a\\"}) {
    const auto value = unit_value(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code(), Code::unsupported_input) << text;
  }
}

}  // namespace
}  // namespace cfs
