#include "cfs/handover.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cfs/file.hpp"
#include "temp_directory.hpp"

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

}  // namespace
}  // namespace cfs
