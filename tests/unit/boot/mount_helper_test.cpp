// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/mount_helper.hpp"

#include <gtest/gtest.h>

#include "cfs/base/file.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

using Words = std::vector<std::string>;

constexpr auto source = "/dev/disk/by-partlabel/store";

Words words(const Words& more) {
  Words all{source, "/composefs/root"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

MountArguments parsed(const Words& more) {
  return parse_mount_arguments(words(more)).value();
}

Code refusal(const Words& all) {
  const auto arguments = parse_mount_arguments(all);
  return arguments ? Code::no_candidate : arguments.error().code();
}

TEST(MountArguments, OfSystemd) {
  const auto arguments = parsed({"-o", "ro,attach=/sysroot"});
  EXPECT_EQ(arguments.source, source);
  EXPECT_EQ(arguments.targets, (Words{"/composefs/root", "/sysroot"}));
  EXPECT_EQ(arguments.configuration, "/etc/composefs-root");
  EXPECT_FALSE(arguments.fake);
  EXPECT_FALSE(arguments.verbose);
  EXPECT_FALSE(arguments.image);
  EXPECT_FALSE(arguments.slot);
  EXPECT_EQ(arguments.mount_namespace, "");
}

TEST(MountArguments, OwnOptions) {
  const auto arguments = parsed({"-o", "image=demo,slot=next", "-o", "config=/usr/lib/composefs-root", "-o",
                                 "attach=/a,attach=\"/b,c=d\""});
  EXPECT_EQ(arguments.image, "demo");
  EXPECT_EQ(arguments.slot, "next");
  EXPECT_EQ(arguments.configuration, "/usr/lib/composefs-root");
  EXPECT_EQ(arguments.targets, (Words{"/composefs/root", "/a", "/b,c=d"}));
}

TEST(MountArguments, FlagsTogetherAndApart) {
  const auto apart = parsed({"-s", "-f", "-n", "-v", "-N", "/proc/1/ns/mnt", "-o", "ro"});
  EXPECT_TRUE(apart.fake);
  EXPECT_TRUE(apart.verbose);
  EXPECT_EQ(apart.mount_namespace, "/proc/1/ns/mnt");
  const auto together = parsed({"-fnvN42", "-oattach=/sysroot"});
  EXPECT_TRUE(together.fake);
  EXPECT_TRUE(together.verbose);
  EXPECT_EQ(together.mount_namespace, "42");
  EXPECT_EQ(together.targets.back(), "/sysroot");
}

TEST(MountArguments, FlagsBeforeThePlaces) {
  const auto arguments = parse_mount_arguments({"-f", "-o", "ro", "LABEL=store", "/mnt"});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->source, "LABEL=store");
  EXPECT_TRUE(arguments->fake);
}

TEST(MountArguments, TakesWhatMountAndFstabSay) {
  EXPECT_TRUE(parse_mount_arguments(
      words({"-o",
             "ro,defaults,auto,noauto,nofail,_netdev,x-systemd.device-timeout=3,X-mount.mkdir,"
             "comment=\"a,rw\",,"})));
}

TEST(MountArguments, RefusesToMountWritable) {
  EXPECT_EQ(refusal(words({"-o", "rw"})), Code::usage);
  EXPECT_EQ(refusal(words({"-o", "ro,rw"})), Code::usage);
  EXPECT_EQ(refusal(words({"-s", "-o", "rw"})), Code::usage);
}

TEST(MountArguments, RefusesUnknownOptionsUnlessSloppy) {
  EXPECT_EQ(refusal(words({"-o", "verity=off"})), Code::usage);
  EXPECT_EQ(refusal(words({"-o", "=x"})), Code::usage);
  EXPECT_EQ(refusal(words({"-o", "remount"})), Code::usage);
  EXPECT_TRUE(parse_mount_arguments(words({"-o", "verity=off,ro", "-s"})));
}

TEST(MountArguments, RefusesWhatMakesNoSense) {
  EXPECT_EQ(refusal({}), Code::usage);
  EXPECT_EQ(refusal({source}), Code::usage);
  EXPECT_EQ(refusal(words({"/third"})), Code::usage);
  EXPECT_EQ(refusal({source, "relative"}), Code::usage);
  EXPECT_EQ(refusal(words({"-o", "attach=sysroot"})), Code::usage);
  EXPECT_EQ(refusal(words({"-o", "attach"})), Code::usage);
  EXPECT_EQ(refusal(words({"-o", "image="})), Code::usage);
  EXPECT_EQ(refusal(words({"-o"})), Code::usage);
  EXPECT_EQ(refusal(words({"-N"})), Code::usage);
  EXPECT_EQ(refusal(words({"-x"})), Code::usage);
}

TEST(MountExitStatus, IsWhatMountDocuments) {
  EXPECT_EQ(mount_exit_status(Code::usage), 1);
  EXPECT_EQ(mount_exit_status(Code::io_error), 2);
  EXPECT_EQ(mount_exit_status(Code::signature_untrusted), 32);
}

class AttachAt : public PrivateMounts {
 protected:
  // A tree with another mount in it.
  [[nodiscard]] Fd tree() {
    const MountRequest memory{
        .type = "tmpfs", .source = "x", .superblock = Access::read_write, .mount = Access::read_write};
    Fd outer = kernel_.mount(memory).value();
    EXPECT_EQ(::mkdirat(outer.get(), "inner", 0700), 0);
    const Fd place = open_directory(make_directory("place")).value();
    EXPECT_TRUE(kernel_.attach(outer, place, "."));
    EXPECT_TRUE(kernel_.attach(kernel_.mount(memory).value(), outer, "inner"));
    directory_.write("place/inner/file", "x");
    Fd clone = kernel_.clone_tree(outer, "").value();
    kernel_.detach(directory_.path("place"));
    return clone;
  }
  Kernel kernel_;
};

TEST_F(AttachAt, ShowsTheWholeTreeAtEachPath) {
  const std::vector<std::string> paths{make_directory("a"), make_directory("b"), make_directory("c")};
  const auto attached = attach_at(kernel_, tree(), paths);
  ASSERT_TRUE(attached) << attached.error().line();
  for (const std::string& path : paths) {
    EXPECT_TRUE(mount_at(path)) << path;
    EXPECT_EQ(read_bytes(path + "/inner/file"), "x") << path;
  }
}

TEST_F(AttachAt, ShowsItNowhereWhenAPathIsMissing) {
  const std::string first = make_directory("a");
  const auto attached = attach_at(kernel_, tree(), {first, directory_.path("absent")});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().code(), Code::not_found);
  EXPECT_TRUE(attached.error().what().starts_with("find the mount point: ")) << attached.error().what();
  EXPECT_FALSE(mount_at(first));
}

// A directory that is removed when it was found already: nothing can be mounted there.
TEST_F(AttachAt, TakesItBackFromWhereItWasAttachedAlready) {
  const std::vector<std::string> paths{make_directory("a"), make_directory("b")};
  const Fd removed = open_directory(make_directory("removed")).value();
  std::filesystem::remove(directory_.path("removed"));
  for (const std::size_t before : {0U, 1U, 2U}) {
    std::vector<std::string> places(paths.begin(), paths.begin() + static_cast<std::ptrdiff_t>(before));
    places.push_back("/proc/self/fd/" + std::to_string(removed.get()));
    const auto attached = attach_at(kernel_, tree(), places);
    ASSERT_FALSE(attached) << before;
    EXPECT_EQ(attached.error().code(), Code::mount_failed);
    for (const std::string& path : paths) {
      EXPECT_FALSE(mount_at(path)) << before << ' ' << path;
    }
  }
}

}  // namespace
}  // namespace cfs
