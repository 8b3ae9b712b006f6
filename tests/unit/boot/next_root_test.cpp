// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/next_root.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cfs/base/text.hpp"
#include "unit/private_mounts.hpp"
#include "unit/signer.hpp"

namespace cfs {
namespace {

Result<ConfigurationPlace> open_in(const TempDirectory& root) {
  return open_image_configuration(root.path(), root.path("reports"));
}

Code refusal(const TempDirectory& root) {
  const auto place = open_in(root);
  return place ? Code::usage : place.error().code();
}

TEST(ImageConfiguration, MustBeThere) {
  const TempDirectory root;
  EXPECT_EQ(refusal(root), Code::policy_missing);
}

TEST(ImageConfiguration, MustNotBeWritable) {
  const TempDirectory root;
  root.write("usr/lib/composefs-root/policy.toml", "");
  EXPECT_EQ(refusal(root), Code::root_replaced);
}

TEST(ImageConfiguration, MustNotBeReachedByALink) {
  const TempDirectory root;
  root.write("etc/lib/composefs-root/policy.toml", "");
  root.link("usr", "etc");
  const auto place = open_in(root);
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().code(), Code::root_replaced);
  EXPECT_NE(place.error().what().find("symbolic link"), std::string::npos) << place.error().what();
}

// A root with a policy and a key on a read-only tmpfs, of which there is a record, and what is mounted over
// it.
class MountedConfiguration : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_private_mounts()) {
      GTEST_SKIP() << "this kernel gives no mount namespace";
    }
    std::filesystem::create_directory(root());
    ASSERT_EQ(::mount("root", root().c_str(), "tmpfs", 0, nullptr), 0);
    directory_.write("root/usr/lib/composefs-root/policy.toml", policy_text);
    directory_.write("root/usr/lib/composefs-root/keys/device.pub", Signer(1).der());
    directory_.write("stranger/policy.toml", policy_text);
    directory_.write("stranger/device.pub", Signer(2).der());
    record(status().st_dev);
    ASSERT_EQ(::mount(nullptr, root().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  }
  void TearDown() override { (void)::umount2(root().c_str(), MNT_DETACH); }

  [[nodiscard]] std::string root() const { return directory_.path("root"); }
  [[nodiscard]] struct stat status() const {
    struct stat result{};
    EXPECT_EQ(::stat(root().c_str(), &result), 0);
    return result;
  }
  void record(dev_t device) const {
    directory_.write("reports/mounts", cat(major(device), ':', minor(device), " / /\n0:99 /var /var\n"));
  }
  void bind(const std::string& what, const std::string& over) const {
    const std::string target = root() + "/usr/lib/composefs-root" + over;
    ASSERT_EQ(::mount(directory_.path(what).c_str(), target.c_str(), nullptr, MS_BIND, nullptr), 0);
  }
  [[nodiscard]] Code refusal() const {
    const auto place = open_image_configuration(root(), directory_.path("reports"));
    const auto checked = place ? check_configuration(*place) : tl::unexpected(place.error());
    return checked ? Code::usage : checked.error().code();
  }

  static constexpr auto policy_text = "image-id = \"demo\"\nstore = \"LABEL=store\"\n";
  const TempDirectory directory_;
};

TEST_F(MountedConfiguration, IsTakenWhenNothingIsMountedOverIt) {
  EXPECT_EQ(refusal(), Code::usage);
}

TEST_F(MountedConfiguration, IsRefusedWithAnotherPolicyMountedOverIt) {
  bind("stranger/policy.toml", "/policy.toml");
  EXPECT_EQ(refusal(), Code::path_refused);
}

TEST_F(MountedConfiguration, IsRefusedWithOtherKeysMountedOverIts) {
  bind("stranger", "/keys");
  EXPECT_EQ(refusal(), Code::path_refused);
}

TEST_F(MountedConfiguration, IsRefusedWithAnotherKeyMountedOverOneOfThem) {
  bind("stranger/device.pub", "/keys/device.pub");
  EXPECT_EQ(refusal(), Code::key_malformed);
}

TEST_F(MountedConfiguration, IsRefusedWhenItIsMountedOver) {
  bind("stranger", "");
  EXPECT_EQ(refusal(), Code::root_replaced);
}

TEST_F(MountedConfiguration, IsRefusedOnARootThatIsNotTheOneOfTheRecord) {
  record(status().st_dev + 1);
  EXPECT_EQ(refusal(), Code::root_replaced);
  std::filesystem::remove(directory_.path("reports/mounts"));
  EXPECT_EQ(refusal(), Code::root_replaced);
}

}  // namespace
}  // namespace cfs
