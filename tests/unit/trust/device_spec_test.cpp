// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/device_spec.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

TEST(DeviceSpec, ReadsEveryForm) {
  const std::pair<std::string_view, DeviceSpec> forms[]{
      {"UUID=0c5b7a6e-1f9b-4a33-8f0e-61f5c8f0a111",
       {DeviceSpec::By::uuid, "0c5b7a6e-1f9b-4a33-8f0e-61f5c8f0a111"}},
      {"UUID=ABCD-1234", {DeviceSpec::By::uuid, "ABCD-1234"}},
      {"LABEL=my store", {DeviceSpec::By::label, "my store"}},
      {"PARTUUID=12345678-01", {DeviceSpec::By::partuuid, "12345678-01"}},
      {"PARTLABEL=composefs-store", {DeviceSpec::By::partlabel, "composefs-store"}},
      {"/dev/vda", {DeviceSpec::By::path, "/dev/vda"}},
      {"/dev/disk/by-path/pci-0000:00:04.0", {DeviceSpec::By::path, "/dev/disk/by-path/pci-0000:00:04.0"}},
  };
  for (const auto& [text, spec] : forms) {
    const auto parsed = DeviceSpec::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, spec) << text;
    EXPECT_EQ(parsed->text(), text);
  }
}

// Of several devices with one tag, udev's link leads to one.
TEST(DeviceSpec, ReadsTheLinksOfUdevAsTags) {
  const std::pair<std::string_view, std::string_view> forms[]{
      {"/dev/disk/by-uuid/0c5b7a6e-1f9b-4a33-8f0e-61f5c8f0a111", "UUID=0c5b7a6e-1f9b-4a33-8f0e-61f5c8f0a111"},
      {"/dev/disk/by-label/my\\x20store", "LABEL=my store"},
      {"/dev/disk/by-label/a\\x2fb\\x5cc", "LABEL=a/b\\c"},
      {"/dev/disk/by-partuuid/12345678-01", "PARTUUID=12345678-01"},
      {"/dev/disk/by-partlabel/composefs-store", "PARTLABEL=composefs-store"},
  };
  for (const auto& [path, tag] : forms) {
    const auto parsed = DeviceSpec::parse(path);
    ASSERT_TRUE(parsed) << path;
    EXPECT_EQ(parsed->text(), tag) << path;
  }
}

TEST(DeviceSpec, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "vda",
                                      "/dev/",
                                      "/dev",
                                      "/etc/passwd",
                                      "/dev/../etc/passwd",
                                      "/dev//vda",
                                      "/dev/./vda",
                                      "/dev/vda/",
                                      "UUID=",
                                      "LABEL=",
                                      "PARTUUID=../../x",
                                      "UUID=12 34",
                                      "UUID=\"1234\"",
                                      "PARTUUID=1234/PARTNROFF=1",
                                      "uuid=1234",
                                      "NAME=x",
                                      "live:LABEL=x",
                                      "/dev/disk/by-label/",
                                      "/dev/disk/by-label/a/b",
                                      "/dev/disk/by-label/a\\b",
                                      "/dev/disk/by-label/a\\x2",
                                      "/dev/disk/by-label/a\\x2G",
                                      "/dev/disk/by-label/a\\x00",
                                      "/dev/disk/by-partuuid/../../sda",
                                      "nfs:server:/path",
                                      " /dev/vda"}) {
    const auto parsed = DeviceSpec::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Code::unsupported_input) << text;
  }
  EXPECT_FALSE(DeviceSpec::parse("LABEL=" + std::string(109, 'x')));
  EXPECT_FALSE(DeviceSpec::parse("/dev/" + std::string(4096, 'x')));
  EXPECT_FALSE(DeviceSpec::parse(std::string_view("LABEL=a\0b", 9)));
  EXPECT_FALSE(DeviceSpec::parse(std::string_view("/dev/a\0b", 8)));
}

}  // namespace
}  // namespace cfs
