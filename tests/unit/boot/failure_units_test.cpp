// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/failure_units.hpp"

#include <gtest/gtest.h>

#include <map>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

std::map<std::string, std::string> written(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_directory() || entry.is_symlink()) {
      files[entry.path().lexically_relative(directory)] =
          entry.is_symlink() ? "-> " + std::filesystem::read_symlink(entry).string()
                             : read_bytes(entry.path());
    }
  }
  return files;
}

TEST(FailureUnits, TakeTheActionInPlaceOfAShell) {
  const TempDirectory root;
  root.link("etc/systemd/system/emergency.service", "/usr/lib/systemd/system/emergency.service");
  root.write("etc/systemd/system/debug-shell.service", "[Service]\nExecStart=/bin/sh\n");
  const std::string directory = root.path("etc/systemd/system");
  const auto done = write_failure_units(directory, Policy());
  ASSERT_TRUE(done) << done.error().what();
  constexpr auto action = "-> /usr/lib/systemd/system/composefs-root-failure.service";
  EXPECT_EQ(written(directory), (std::map<std::string, std::string>{
                                    {"breakpoint-pre-basic.service", "-> /dev/null"},
                                    {"breakpoint-pre-mount.service", "-> /dev/null"},
                                    {"breakpoint-pre-switch-root.service", "-> /dev/null"},
                                    {"breakpoint-pre-udev.service", "-> /dev/null"},
                                    {"debug-shell.service", "-> /dev/null"},
                                    {"dracut-emergency.service", action},
                                    {"emergency.service", action},
                                    {"rescue.service", action},
                                    {"rescue.target", "-> /usr/lib/systemd/system/emergency.target"},
                                }));
}

TEST(FailureUnits, OpenTheShellThatThePolicyAllows) {
  const TempDirectory root;
  Policy policy;
  policy.failure.shell = true;
  ASSERT_TRUE(write_failure_units(root.path("etc/systemd/system"), policy));
  EXPECT_EQ(written(root.path("etc/systemd/system")),
            (std::map<std::string, std::string>{{"emergency.service.d/50-composefs-root.conf",
                                                 "[Service]\nEnvironment=SYSTEMD_SULOGIN_FORCE=1\n"}}));
}

TEST(FailureUnits, SayWhenTheyCannotBeWritten) {
  const TempDirectory root;
  root.write("etc", "a file");
  const auto done = write_failure_units(root.path("etc/systemd/system"), Policy());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::io_error);
}

}  // namespace
}  // namespace cfs
