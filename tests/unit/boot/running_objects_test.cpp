// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/running_objects.hpp"

#include <gtest/gtest.h>

#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(RunningObjects, AreAllThatTheRootHas) {
  const TempDirectory root;
  root.write("etc/fstab", "x");
  root.write("usr/lib/os-release", "x");
  EXPECT_EQ(check_running_objects(open_directory(root.path()).value()).value(), 2U);
}

TEST(RunningObjects, ActionIsTheRecordedOne) {
  const TempDirectory directory;
  EXPECT_EQ(recorded_corruption_action(directory.path()), CorruptionAction::report);
  for (const char* other :
       {"", "report", "reboot\n", "REBOOT", "reboot, or something that is much too long"}) {
    directory.write("corruption-action", other);
    EXPECT_EQ(recorded_corruption_action(directory.path()), CorruptionAction::report) << other;
  }
  directory.write("corruption-action", "reboot");
  EXPECT_EQ(recorded_corruption_action(directory.path()), CorruptionAction::reboot);
}

TEST(RunningObjects, FindingsAreWrittenForPeople) {
  const TempDirectory directory;
  ASSERT_TRUE(record_object_check(12U, directory.path()));
  EXPECT_EQ(read_bytes(directory.path("object-check")), "12 files can be read\n");
  ASSERT_TRUE(record_object_check(fail(Code::object_missing, "/etc/fstab: gone"), directory.path()));
  EXPECT_TRUE(read_bytes(directory.path("object-check")).starts_with("object-missing: /etc/fstab: gone: "));
  EXPECT_FALSE(record_object_check(12U, directory.path("nowhere")));
}

}  // namespace
}  // namespace cfs
