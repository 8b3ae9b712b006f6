// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/guard.hpp"

#include <gtest/gtest.h>

#include "cfs/base/file.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/mount/mount_table.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

// The mounts of /proc, as they are on the machine of the test.
std::vector<TreeMount> mounts_of_proc() {
  return mounts_of_tree(*read_file(mount_table_file, mount_table_max_bytes), "/proc").value();
}

TEST(Guard, TakesTheMountsThatAReportRecorded) {
  const TempDirectory directory;
  Report report;
  report.mounts = mounts_of_proc();
  ASSERT_TRUE(write_report(report, directory.path("reports")));
  const auto guarded = guard("/proc", directory.path("reports"));
  EXPECT_TRUE(guarded) << guarded.error().line();
}

TEST(Guard, RefusesOtherMounts) {
  const TempDirectory directory;
  Report report;
  report.mounts = mounts_of_proc();
  report.mounts.front().device = "0:0";
  ASSERT_TRUE(write_report(report, directory.path("reports")));
  EXPECT_EQ(guard("/proc", directory.path("reports")).error().code(), Code::root_replaced);
}

TEST(Guard, RefusesWithoutARecord) {
  const TempDirectory directory;
  EXPECT_EQ(guard("/proc", directory.path("reports")).error().code(), Code::root_replaced);
}

TEST(Guard, RefusesARecordThatCannotBeRead) {
  const TempDirectory directory;
  std::filesystem::create_directories(directory.path("reports/mounts"));
  const auto guarded = guard("/proc", directory.path("reports"));
  ASSERT_FALSE(guarded);
  EXPECT_EQ(guarded.error().code(), Code::io_error);
  directory.write("long/mounts", std::string(mount_record_max_bytes + 1, '\n'));
  EXPECT_FALSE(guard("/proc", directory.path("long")));
}

TEST(Guard, RefusesADirectoryThatIsNotThere) {
  const TempDirectory directory;
  directory.write("reports/mounts", "0:1 / /\n");
  const auto guarded = guard(directory.path("absent"), directory.path("reports"));
  ASSERT_FALSE(guarded);
  EXPECT_EQ(guarded.error().what(), "look at " + directory.path("absent") + ": No such file or directory");
}

}  // namespace
}  // namespace cfs
