// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/handover.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

class CheckInit : public ::testing::Test {
 protected:
  Result<> check(const std::string& init) { return check_init(*open_directory(directory_.path()), init); }
  void make_program(const std::string& name) { ::chmod(directory_.write(name, "#!").c_str(), 0755); }

  TempDirectory directory_;
};

TEST_F(CheckInit, TakesAProgram) {
  make_program("sbin/init");
  EXPECT_TRUE(check("/sbin/init"));
}

TEST_F(CheckInit, ResolvesLinksInsideTheRoot) {
  make_program("usr/lib/systemd/systemd");
  directory_.link("sbin/init", "/usr/lib/systemd/systemd");
  EXPECT_TRUE(check("/sbin/init"));
}

// The kernel answers EAGAIN when anything was renamed or mounted anywhere while it followed "..", and systemd
// mounts a lot at the same time.
TEST_F(CheckInit, IsNotMisledByRenamesElsewhere) {
  make_program("usr/lib/init");
  directory_.link("sbin/init", "../usr/lib/init");
  const TempDirectory elsewhere;
  std::filesystem::create_directory(elsewhere.path("a"));
  std::atomic<bool> done = false;
  std::thread renames([&] {
    while (!done) {
      std::filesystem::rename(elsewhere.path("a"), elsewhere.path("b"));
      std::filesystem::rename(elsewhere.path("b"), elsewhere.path("a"));
    }
  });
  constexpr int attempts = 20000;
  int taken = 0;
  for (int i = 0; i < attempts; ++i) {
    taken += check("/sbin/init") ? 1 : 0;
  }
  done = true;
  renames.join();
  EXPECT_EQ(taken, attempts);
}

TEST_F(CheckInit, RefusesWhatLiesOutsideTheRoot) {
  // /bin/sh exists on this host, and not in the root.
  directory_.link("init", "/bin/sh");
  directory_.link("up", "../../../../../../../../bin/sh");
  EXPECT_EQ(check("/init").error().code(), Code::init_failed);
  EXPECT_EQ(check("/up").error().code(), Code::init_failed);
}

TEST_F(CheckInit, RefusesWhatIsNoProgram) {
  directory_.write("sbin/data", "data");
  EXPECT_EQ(check("/sbin/data").error().code(), Code::init_failed);
  EXPECT_EQ(check("/sbin").error().code(), Code::init_failed);
  EXPECT_EQ(check("/missing").error().code(), Code::init_failed);
}

TEST(CheckOsRelease, FindsItWhereSystemdDoes) {
  for (const std::string file : {"etc/os-release", "usr/lib/os-release"}) {
    const TempDirectory root;
    EXPECT_EQ(check_os_release(*open_directory(root.path())).error().code(), Code::init_failed);
    root.write(file, "ID=small\n");
    EXPECT_TRUE(check_os_release(*open_directory(root.path()))) << file;
  }
}

TEST_F(CheckInit, SystemdOfAnInitrdEntersOnlySystemd) {
  const auto enters = [&](const std::string& init) {
    return check_enters_systemd(*open_directory(directory_.path()), init);
  };
  make_program("usr/lib/wrapper");
  EXPECT_TRUE(enters("/usr/lib/wrapper"));  // a root without systemd
  make_program("usr/lib/systemd/systemd");
  directory_.link("sbin/init", "../usr/lib/systemd/systemd");
  EXPECT_TRUE(enters("/sbin/init"));
  EXPECT_TRUE(enters("/usr/lib/systemd/systemd"));
  EXPECT_EQ(enters("/usr/lib/wrapper").error().code(), Code::init_refused);
}

}  // namespace
}  // namespace cfs
