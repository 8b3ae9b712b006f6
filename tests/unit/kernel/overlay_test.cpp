// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/xattr.h>

#include "cfs/base/file.hpp"
#include "cfs/kernel/kernel.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;

class KernelOverlay : public RootMounts {
 protected:
  void SetUp() override {
    RootMounts::SetUp();
    if (IsSkipped()) {
      return;
    }
    directory_.write("lower/file", "of the image");
    directory_.write("data/ab/object", "an object");
    (void)make_directory("upper");
    (void)make_directory("work");
    lower_ = open_directory(directory_.path("lower")).value();
    data_ = open_directory(directory_.path("data")).value();
    upper_ = open_directory(directory_.path("upper")).value();
    work_ = open_directory(directory_.path("work")).value();
  }
  [[nodiscard]] Fd composed(const OverlayLayers& layers) {
    auto mount = kernel_.mount_overlay(layers);
    EXPECT_TRUE(mount) << mount.error().line();
    return std::move(*mount);
  }
  [[nodiscard]] MountLine line_of(const Fd& mount) {
    const std::string path = make_directory("there");
    EXPECT_TRUE(kernel_.attach(mount, open_directory(path).value(), "."));
    return mount_at(path).value_or(MountLine());
  }
  static constexpr unsigned long limits = ST_RDONLY | ST_NODEV | ST_NOSUID | ST_NOEXEC;

  Kernel kernel_;
  Fd lower_;
  Fd data_;
  Fd upper_;
  Fd work_;
};

TEST_F(KernelOverlay, VerifiesAndFollowsRedirections) {
  const auto line = line_of(composed({.lower = lower_, .data = data_}));
  EXPECT_EQ(line.type, "overlay");
  EXPECT_EQ(line.source, "composefs-root");
  for (const char* option : {"ro", "redirect_dir=on", "metacopy=on", "verity=require"}) {
    EXPECT_TRUE(line.superblock_has(option)) << option << " in " << line.superblock;
  }
  EXPECT_THAT(kernel_.features(), ElementsAre(MatchesRegex("overlay-layer-(fd|append|string)")));
  (void)composed({.lower = lower_, .data = data_});
  EXPECT_EQ(kernel_.features().size(), 1U);
}

TEST_F(KernelOverlay, ShowsTheImageAndNotTheObjects) {
  const Fd mount = composed({.lower = lower_, .data = data_});
  EXPECT_EQ(list_directory(mount).value(), std::vector<std::string>{"file"});
  EXPECT_EQ(read_all(open_file_beneath(mount, "file").value(), 100).value(), "of the image");
}

// Without fs-verity on the object, or without a digest of it, nothing can be read.
TEST_F(KernelOverlay, GivesNoObjectThatItCannotVerify) {
  const std::string file = directory_.path("lower/file");
  const std::string redirect = "/ab/object";
  ASSERT_EQ(::setxattr(file.c_str(), "trusted.overlay.metacopy", "", 0, 0), 0);
  ASSERT_EQ(::setxattr(file.c_str(), "trusted.overlay.redirect", redirect.data(), redirect.size(), 0), 0);
  const Fd mount = composed({.lower = lower_, .data = data_});
  EXPECT_TRUE(open_path_beneath(mount, "file"));
  const auto opened = open_file_beneath(mount, "file");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::io_error);
}

TEST_F(KernelOverlay, IsReadOnlyAndTrustedWithoutAnUpperLayer) {
  EXPECT_EQ(mount_flags(composed({.lower = lower_, .data = data_})) & limits,
            static_cast<unsigned long>(ST_RDONLY));
}

TEST_F(KernelOverlay, IsWritableAboveWithoutDevicesAndSetUidUnlessTrusted) {
  {
    const Fd mount = composed({.lower = lower_, .data = data_, .upper = &upper_, .work = &work_});
    EXPECT_EQ(mount_flags(mount) & limits, static_cast<unsigned long>(ST_NODEV | ST_NOSUID));
    EXPECT_TRUE(Fd(::openat(mount.get(), "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    EXPECT_TRUE(std::filesystem::exists(directory_.path("upper/new")));
    EXPECT_FALSE(std::filesystem::exists(directory_.path("lower/new")));
    const auto line = line_of(mount);
    EXPECT_TRUE(line.superblock_has("verity=require") && line.superblock_has("metacopy=on"))
        << line.superblock;
    ASSERT_EQ(::umount2(directory_.path("there").c_str(), MNT_DETACH), 0);
  }
  const Fd trusted =
      composed({.lower = lower_, .data = data_, .upper = &upper_, .work = &work_, .trusted = true});
  EXPECT_EQ(mount_flags(trusted) & limits, 0U);
}

TEST_F(KernelOverlay, FailsInTheKernelsWords) {
  const Fd file = open_file_beneath(lower_, "file").value();
  const auto mount = kernel_.mount_overlay({.lower = file, .data = data_});
  ASSERT_FALSE(mount);
  EXPECT_EQ(mount.error().code(), Code::mount_failed);
  EXPECT_THAT(mount.error().what(), MatchesRegex("overlay: .*: [A-Z].*"));
  EXPECT_TRUE(kernel_.features().empty());
}

}  // namespace
}  // namespace cfs
