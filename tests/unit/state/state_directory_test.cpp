// SPDX-License-Identifier: Apache-2.0
#include "cfs/state/state_directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

namespace fs = std::filesystem;

constexpr auto no_limit = std::chrono::hours(1);

class State : public ::testing::Test {
 protected:
  State() {
    fs::create_directories(path("disk"));
    fs::create_directories(path("objects"));
    fs::create_directories(path("image/etc"));
    disk_ = open_directory(path("disk")).value();
    objects_ = open_directory(path("objects")).value();
  }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path(name); }
  [[nodiscard]] StateDirectory open() const { return StateDirectory::open(disk_).value(); }

  static Digest image(unsigned char number) {
    const std::vector<unsigned char> bytes(32, number);
    return Digest::from_bytes(HashAlgorithm::sha256, bytes).value();
  }

  // Boots an image: its upper layer, found or made.
  EtcUpper boot(unsigned char number) {
    auto state = open();
    const auto etc = state.etc(image(number), open_directory(path("image/etc")).value(), objects_);
    EXPECT_TRUE(etc) << etc.error().line();
    upper_ = fs::read_symlink("/proc/self/fd/" + std::to_string(etc->layers.get())) / "upper";
    return etc->upper;
  }

  [[nodiscard]] std::size_t count(const std::string& name) const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path(name)), {}));
  }

  TempDirectory directory_;
  Fd disk_;
  Fd objects_;
  fs::path upper_;  // of the last boot()
};

TEST_F(State, UpdateKeepsEtcAndRollbackGoesBack) {
  EXPECT_EQ(boot(1), EtcUpper::created);
  std::ofstream(upper_ / "set") << "once";
  EXPECT_EQ(boot(1), EtcUpper::kept);
  EXPECT_EQ(boot(2), EtcUpper::copied);
  EXPECT_EQ(read_bytes(upper_ / "set"), "once");
  std::ofstream(upper_ / "set") << "again";
  EXPECT_EQ(boot(1), EtcUpper::kept);
  EXPECT_EQ(read_bytes(upper_ / "set"), "once");
  EXPECT_EQ(boot(2), EtcUpper::kept);
  EXPECT_EQ(read_bytes(upper_ / "set"), "again");
}

TEST_F(State, NewImageContinuesWithTheOneThatBootedLast) {
  boot(1);
  std::ofstream(upper_ / "set") << "first";
  boot(2);
  std::ofstream(upper_ / "set") << "second";
  boot(1);  // a rollback
  EXPECT_EQ(boot(3), EtcUpper::copied);
  EXPECT_EQ(read_bytes(upper_ / "set"), "first");
}

TEST_F(State, KeepsThreeImages) {
  for (unsigned char number = 1; number <= 4; ++number) {
    boot(number);
  }
  EXPECT_EQ(count("disk/composefs-state/etc"), etc_uppers_kept);
  EXPECT_EQ(boot(2), EtcUpper::kept);
  EXPECT_EQ(boot(1), EtcUpper::copied);  // the oldest went
  EXPECT_EQ(count("disk/composefs-trash"), 2U);
  open().empty_trash(no_limit);
  EXPECT_EQ(count("disk/composefs-trash"), 0U);
  EXPECT_EQ(count("disk/composefs-state/etc"), etc_uppers_kept);
}

TEST_F(State, BeginsACopyAnewThatWasInterrupted) {
  boot(1);
  std::ofstream(upper_ / "set") << "once";
  directory_.write("disk/composefs-state/etc/.new/upper/half", "x");
  EXPECT_EQ(boot(2), EtcUpper::copied);
  EXPECT_EQ(read_bytes(upper_ / "set"), "once");
  EXPECT_FALSE(fs::exists(upper_ / "half"));
  EXPECT_FALSE(fs::exists(path("disk/composefs-state/etc/.new")));
}

TEST_F(State, TakesNothingForAnUpperLayerThatIsNotNamedAsOne) {
  for (const char* name : {"upper", "abcd.1", "ABCD.x", ".1"}) {
    fs::create_directories(path("disk/composefs-state/etc") + '/' + name);
  }
  fs::create_directories(path("disk/composefs-state/etc/") + image(1).hex() + ".01");
  EXPECT_EQ(boot(1), EtcUpper::created);
}

// A hostile disk: the number after it would be 0, and the image that boots next would count as the oldest.
TEST_F(State, ThrowsAwayANumberThatLeavesNoneForTheNext) {
  for (const char* number : {"4294967295", "1000000001"}) {
    directory_.write("disk/composefs-state/etc/" + image(9).hex() + '.' + number + "/upper/planted", "x");
  }
  EXPECT_EQ(boot(1), EtcUpper::created);
  EXPECT_FALSE(fs::exists(upper_ / "planted"));
  EXPECT_EQ(count("disk/composefs-state/etc"), 1U);
  EXPECT_EQ(boot(2), EtcUpper::copied);
  EXPECT_EQ(boot(1), EtcUpper::kept);
  EXPECT_TRUE(fs::exists(path("disk/composefs-state/etc/") + image(1).hex() + ".3"));
}

TEST_F(State, BootsOnAfterTheHighestNumber) {
  directory_.write("disk/composefs-state/etc/" + image(1).hex() + ".1000000000/upper/set", "kept");
  for (int boots = 0; boots < 3; ++boots) {
    EXPECT_EQ(boot(2), EtcUpper::copied);
    EXPECT_EQ(read_bytes(upper_ / "set"), "kept");
  }
}

TEST_F(State, UpperLayerHasTheModeOfTheImagesDirectory) {
  ASSERT_EQ(::chmod(path("image/etc").c_str(), 0751), 0);
  boot(1);
  EXPECT_EQ(static_cast<unsigned>(fs::status(upper_).permissions()), 0751U);
  ASSERT_EQ(::chmod(path("image/etc").c_str(), 0755), 0);
  boot(2);
  EXPECT_EQ(static_cast<unsigned>(fs::status(upper_).permissions()), 0755U);
}

TEST_F(State, VarBeginsAsTheImages) {
  directory_.write("image/var/lib/a", "from the image");
  ASSERT_EQ(::chmod(path("image/var").c_str(), 0711), 0);
  directory_.write("disk/composefs-state/.new/half", "x");
  const Fd var = open_directory(path("image/var")).value();
  ASSERT_TRUE(open().fill_var(var));
  const std::string file = path("disk/composefs-state/var/lib/a");
  EXPECT_EQ(read_bytes(file), "from the image");
  EXPECT_FALSE(fs::exists(path("disk/composefs-state/var/half")));
  EXPECT_EQ(static_cast<unsigned>(fs::status(path("disk/composefs-state/var")).permissions()), 0711U);

  std::ofstream(file) << "changed";
  ASSERT_TRUE(open().fill_var(var));
  EXPECT_EQ(read_bytes(file), "changed");
}

TEST_F(State, FactoryResetBeginsAnew) {
  boot(1);
  directory_.write("disk/composefs-state/var/a", "x");
  EXPECT_FALSE(open().was_reset());
  directory_.write("disk/composefs-state/factory-reset", "");
  auto state = open();
  EXPECT_TRUE(state.was_reset());
  EXPECT_EQ(count("disk/composefs-state"), 0U);
  EXPECT_EQ(count("disk/composefs-trash"), 1U);
  state.empty_trash(std::chrono::milliseconds(0));
  EXPECT_EQ(count("disk/composefs-trash"), 1U);
  state.empty_trash(no_limit);
  EXPECT_EQ(count("disk/composefs-trash"), 0U);
  EXPECT_FALSE(open().was_reset());
}

TEST_F(State, RefusesADirectoryThatIsALink) {
  fs::create_directories(path("elsewhere"));
  directory_.link("disk/composefs-state", path("elsewhere"));
  EXPECT_FALSE(StateDirectory::open(disk_));
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
}

}  // namespace
}  // namespace cfs
