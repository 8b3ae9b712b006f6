// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/mount_table.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

constexpr auto table =
    "24 1 0:2 / / rw shared:1 - rootfs rootfs rw\n"
    "25 24 0:22 / /proc rw,nosuid - proc proc rw\n"
    "60 24 0:40 / /composefs/root ro shared:30 - overlay composefs-root ro,verity=require\n"
    "61 60 0:41 / /composefs/root/etc rw,nosuid,nodev shared:31 - overlay composefs-root rw\n"
    "70 24 0:40 / /sysroot ro shared:30 - overlay composefs-root ro,verity=require\n"
    "71 70 0:41 / /sysroot/etc rw,nosuid,nodev shared:31 - overlay composefs-root rw\n"
    "72 70 254:2 /composefs-state/v\\040r /sysroot/var rw shared:32 - ext4 /dev/vda2 rw\n"
    "80 24 0:50 / /sysroot2 rw - tmpfs tmpfs rw\n";

constexpr auto record =
    "0:40 / /\n"
    "0:41 / /etc\n"
    "254:2 /composefs-state/v\\040r /var\n";

Code refusal(std::string_view mountinfo, std::uint64_t mount_id = 70, std::string_view expected = record) {
  const auto checked = check_mounts(mountinfo, "/sysroot", mount_id, expected);
  return checked ? Code::usage : checked.error().code();
}

std::string with(std::string_view line) {
  return std::string(table) + std::string(line);
}

std::string without(std::string_view begin) {
  std::string text(table);
  const auto at = text.find(begin);
  return text.erase(at, text.find('\n', at) + 1 - at);
}

TEST(MountTable, FindsTheMountsOfATree) {
  const auto mounts = mounts_of_tree(table, "/sysroot");
  ASSERT_TRUE(mounts);
  EXPECT_EQ(mount_record(*mounts), record);
  EXPECT_EQ(mounts->front().id, 70U);
  EXPECT_TRUE(mounts_of_tree(table, "/nowhere")->empty());
}

TEST(MountTable, RefusesWhatIsNoTable) {
  EXPECT_EQ(mounts_of_tree("24 1 0:2 / /\n", "/sysroot").error().code(), Code::io_error);
  EXPECT_EQ(mounts_of_tree("x 1 0:2 / / rw\n", "/sysroot").error().code(), Code::io_error);
}

TEST(CheckMounts, TakesWhatWasRecorded) {
  EXPECT_TRUE(check_mounts(table, "/sysroot", 70, record));
  // The order in which mounts are listed is nobody's promise.
  EXPECT_TRUE(
      check_mounts(table, "/sysroot", 70, "254:2 /composefs-state/v\\040r /var\n0:41 / /etc\n0:40 / /\n"));
}

TEST(CheckMounts, RefusesAnotherRoot) {
  EXPECT_EQ(refusal(without("70 ") + "70 24 0:99 / /sysroot ro - ext4 /dev/vda1 ro\n"), Code::root_replaced);
  EXPECT_EQ(refusal(without("70 ") + "70 24 0:40 /sub /sysroot ro - overlay composefs-root ro\n"),
            Code::root_replaced);
}

TEST(CheckMounts, RefusesAMountMore) {
  EXPECT_EQ(refusal(with("90 70 0:60 / /sysroot/usr ro - tmpfs tmpfs ro\n")), Code::root_replaced);
  EXPECT_EQ(refusal(with("90 71 0:41 / /sysroot/etc rw - overlay composefs-root rw\n")), Code::root_replaced);
}

TEST(CheckMounts, RefusesAMountOverTheRoot) {
  EXPECT_EQ(refusal(with("90 70 0:60 / /sysroot rw - tmpfs tmpfs rw\n"), 90), Code::root_replaced);
  EXPECT_EQ(refusal(with("90 70 0:40 / /sysroot ro - overlay composefs-root ro\n"), 90), Code::root_replaced);
}

TEST(CheckMounts, RefusesARootThatThePathDoesNotLeadTo) {
  EXPECT_EQ(refusal(table, 24), Code::root_replaced);
}

TEST(CheckMounts, RefusesAMountLess) {
  EXPECT_EQ(refusal(without("72 ")), Code::root_replaced);
  EXPECT_EQ(refusal(without("70 ")), Code::root_replaced);
}

TEST(CheckMounts, RefusesAnEmptyRecord) {
  EXPECT_EQ(refusal("24 1 0:2 / / rw - rootfs rootfs rw\n", 24, ""), Code::root_replaced);
}

TEST(CheckMounts, NamesTheDifference) {
  const auto more =
      check_mounts(with("90 70 0:60 / /sysroot/usr ro - tmpfs tmpfs ro\n"), "/sysroot", 70, record);
  EXPECT_EQ(more.error().what(), "/sysroot/usr is a mount that was not verified (0:60 / /usr)");
  const auto less = check_mounts(without("72 "), "/sysroot", 70, record);
  EXPECT_EQ(less.error().what(),
            "the verified mount \"254:2 /composefs-state/v\\040r /var\" is gone from /sysroot");
}

}  // namespace
}  // namespace cfs
