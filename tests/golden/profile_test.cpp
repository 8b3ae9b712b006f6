// SPDX-License-Identifier: Apache-2.0
// Puts boot profiles into stores and disks with `cfs-sign profile apply` and `cfs-sign disk`.
#include <gmock/gmock.h>

#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

using ::testing::StartsWith;

class Profile : public ::testing::Test {
 protected:
  Profile() {
    std::filesystem::create_directory(workshop_ / "tree");
    write(workshop_ / "tree/file", std::string(10'000, 'x'));
    digest_ = cfs_sign({"compose", "--store", store_, workshop_ / "tree"});
    write_profile(digest_);
  }
  void write_profile(const std::string& image) const {
    write(profile_, "composefs-root boot profile 1\nimage " + image + "\n" + image + " 0+1\n");
  }
  [[nodiscard]] std::filesystem::path applied() const {
    return store_ / "profiles" / digest_.substr(digest_.find(':') + 1);
  }
  static void expect_refused(const std::vector<std::string>& arguments, const std::string& error) {
    std::vector<std::string> command{cfs_sign_program};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, StartsWith("cfs-sign: " + error));
  }

  Workshop workshop_;
  std::filesystem::path store_ = workshop_ / "store";
  std::filesystem::path profile_ = workshop_ / "profile";
  std::string digest_;
};

TEST_F(Profile, IsPutWhereBootsOfItsImageFindIt) {
  EXPECT_EQ(cfs_sign({"profile", "apply", "--store", store_, profile_}), "");
  EXPECT_EQ(read_bytes(applied()), read_bytes(profile_));
  cfs_sign({"fsck", "--store", store_});
}

TEST_F(Profile, GoesToADiskAsFromAStore) {
  cfs_sign({"disk", "--raw", "--store", store_, "--profile", profile_, "-o", workshop_ / "a.img"});
  cfs_sign({"profile", "apply", "--store", store_, profile_});
  cfs_sign({"disk", "--raw", "--store", store_, "-o", workshop_ / "b.img"});
  EXPECT_TRUE(read_bytes(workshop_ / "a.img") == read_bytes(workshop_ / "b.img"));
}

TEST_F(Profile, ShouldFailForAnImageThatIsNotThere) {
  write_profile("sha256:" + std::string(64, '0'));
  expect_refused({"profile", "apply", "--store", store_, profile_}, "image-missing: ");
  expect_refused({"disk", "--raw", "--store", store_, "--profile", profile_, "-o", workshop_ / "disk.img"},
                 "image-missing: ");
  EXPECT_FALSE(std::filesystem::exists(workshop_ / "disk.img"));
}

TEST_F(Profile, ShouldFailWhenMalformed) {
  write(profile_, "composefs-root boot profile 2\n");
  expect_refused({"profile", "apply", "--store", store_, profile_}, "profile-malformed: ");
  EXPECT_FALSE(std::filesystem::exists(applied()));
}

TEST_F(Profile, ShouldFailOnASystemThatOthersBooted) {
  expect_refused({"profile", "record"}, "not-found: ");
  expect_refused({"profile", "apply", profile_}, "not-found: ");
}

}  // namespace
}  // namespace cfs::test
