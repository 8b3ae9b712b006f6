// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>

#include "cfs/base/file.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/kernel/kernel_file_systems.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

using ::testing::HasSubstr;

constexpr unsigned long read_only = ST_RDONLY;
constexpr unsigned long no_device_or_set_uid = ST_NODEV | ST_NOSUID;
constexpr unsigned long noexec = ST_NOEXEC;
constexpr unsigned long nosymfollow = 0x2000;  // ST_NOSYMFOLLOW, which the glibc of Debian 12 does not have
constexpr unsigned long limits = read_only | no_device_or_set_uid | noexec | nosymfollow;

// 0, or why no file can be made there.
int write_in(const Fd& directory) {
  const Fd file(::openat(directory.get(), "written", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  return file ? 0 : errno;
}

class KernelMount : public PrivateMounts {
 protected:
  [[nodiscard]] Fd mounted(const MountRequest& request) {
    auto mount = kernel_.mount(request);
    EXPECT_TRUE(mount) << mount.error().line();
    return std::move(*mount);
  }
  [[nodiscard]] Fd writable() {
    return mounted(
        {.type = "tmpfs", .source = "x", .superblock = Access::read_write, .mount = Access::read_write});
  }
  [[nodiscard]] Fd root() const { return open_directory(directory_.path()).value(); }
  // Attaches a mount at a new directory of that name, and gives its path.
  [[nodiscard]] std::string attached(const Fd& mount, const std::string& name) {
    std::string path = make_directory(name);
    const auto done = kernel_.attach(mount, open_directory(path).value(), ".");
    EXPECT_TRUE(done) << done.error().line();
    return path;
  }

  Kernel kernel_;
};

TEST_F(KernelMount, IsReadOnlyWithoutDevicesAndSetUidUnlessAskedFor) {
  MountRequest request{.type = "tmpfs", .source = "x"};
  EXPECT_EQ(mount_flags(mounted(request)) & limits, read_only | no_device_or_set_uid);
  request.trusted = true;
  EXPECT_EQ(mount_flags(mounted(request)) & limits, read_only);
  request.trusted = false;
  request.noexec = true;
  EXPECT_EQ(mount_flags(mounted(request)) & limits, read_only | no_device_or_set_uid | noexec);
}

TEST_F(KernelMount, HasAnAccessOfItsOwnBesideTheFileSystems) {
  struct Case {
    Access superblock;
    Access mount;
    int error;
  };
  int number = 0;
  for (const Case& each :
       {Case{Access::read_only, Access::read_only, EROFS}, Case{Access::read_only, Access::read_write, EROFS},
        Case{Access::read_write, Access::read_only, EROFS},
        Case{Access::read_write, Access::read_write, 0}}) {
    const Fd mount =
        mounted({.type = "tmpfs", .source = "x", .superblock = each.superblock, .mount = each.mount});
    EXPECT_EQ(write_in(mount), each.error) << number;
    const auto line = mount_at(attached(mount, std::to_string(number++)));
    ASSERT_TRUE(line);
    EXPECT_EQ(line->superblock_has("ro"), each.superblock == Access::read_only);
    EXPECT_EQ(line->has("ro"), each.mount == Access::read_only);
  }
}

TEST_F(KernelMount, TakesSourceOptionsAndFlags) {
  const Fd mount = mounted({.type = "tmpfs",
                            .source = "the source",
                            .options = {{"size", "64k"}, {"inode32", std::nullopt}, {"mode", "0710"}}});
  const auto line = mount_at(attached(mount, "there"));
  ASSERT_TRUE(line);
  EXPECT_EQ(line->type, "tmpfs");
  EXPECT_EQ(line->source, "the\\040source");
  EXPECT_TRUE(line->superblock_has("size=64k") && line->superblock_has("mode=710")) << line->superblock;
}

TEST_F(KernelMount, FailsInTheKernelsWords) {
  const auto unknown = kernel_.mount({.type = "nosuchfs", .source = "x"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Code::kernel_feature);
  EXPECT_EQ(unknown.error().what(), "the running kernel has no file system nosuchfs");
  const auto option = kernel_.mount({.type = "tmpfs", .source = "x", .options = {{"nosuch", "1\n"}}});
  ASSERT_FALSE(option);
  EXPECT_EQ(option.error().code(), Code::mount_failed);
  EXPECT_EQ(option.error().what(),
            "tmpfs: nosuch=1\\x0a: Invalid argument (kernel: tmpfs: Unknown parameter 'nosuch')");
}

TEST_F(KernelMount, IsClonedWithWhatIsMountedBelowItOrAlone) {
  const std::string outer = attached(writable(), "outer");
  directory_.write("outer/file", "");
  const std::string inner = attached(writable(), "outer/inner");
  directory_.write("outer/inner/file", "");
  const Fd tree = kernel_.clone_tree(root(), "outer").value();
  EXPECT_EQ(::faccessat(tree.get(), "inner/file", F_OK, 0), 0);
  const Fd same = kernel_.clone_tree(open_directory(outer).value(), "").value();
  EXPECT_EQ(::faccessat(same.get(), "inner/file", F_OK, 0), 0);
  const Fd alone = kernel_.clone_mount(open_directory(outer).value()).value();
  EXPECT_EQ(::faccessat(alone.get(), "file", F_OK, 0), 0);
  EXPECT_NE(::faccessat(alone.get(), "inner/file", F_OK, 0), 0);
  for (const Fd* clone : {&tree, &same, &alone}) {  // mounts of their own, attached nowhere
    ASSERT_TRUE(kernel_.set_access(*clone, Access::read_only));
    EXPECT_EQ(write_in(*clone), EROFS);
    EXPECT_EQ(write_in(open_directory(outer).value()), 0);
  }
  EXPECT_EQ(kernel_.clone_tree(root(), "absent").error().code(), Code::mount_failed);
  EXPECT_EQ(kernel_.clone_mount(Fd()).error().code(), Code::mount_failed);
}

TEST_F(KernelMount, IsNotClonedThroughALink) {
  directory_.write("there/file", "");
  directory_.link("link", "there");
  const auto clone = kernel_.clone_tree(root(), "link");  // of the link, not of what it leads to
  EXPECT_TRUE(!clone || ::faccessat(clone->get(), "file", F_OK, 0) != 0);
}

TEST_F(KernelMount, ChangesBetweenReadOnlyAndWritable) {
  const Fd mount = writable();
  ASSERT_TRUE(kernel_.set_access(mount, Access::read_only));
  EXPECT_EQ(write_in(mount), EROFS);
  ASSERT_TRUE(kernel_.set_access(mount, Access::read_write));
  EXPECT_EQ(write_in(mount), 0);
  EXPECT_EQ(
      kernel_.set_access(open_directory(make_directory("plain")).value(), Access::read_only).error().code(),
      Code::mount_failed);
}

TEST_F(KernelMount, LimitsAreLaidOnItOneByOne) {
  const unsigned long before = mount_flags(writable()) & limits;
  for (const unsigned long asked : {0UL, noexec, nosymfollow, noexec | nosymfollow}) {
    const Fd mount = writable();
    ASSERT_TRUE(
        kernel_.limit(mount, {.noexec = (asked & noexec) != 0, .nosymfollow = (asked & nosymfollow) != 0}));
    EXPECT_EQ(mount_flags(mount) & limits, before | asked);
  }
  EXPECT_TRUE(kernel_.limit(Fd(), {}));  // nothing to do
  EXPECT_EQ(kernel_.limit(Fd(), {.noexec = true}).error().code(), Code::mount_failed);
}

TEST_F(KernelMount, OfAFileSystemThatIsMadeReadOnlyCannotBeWritten) {
  const Fd mount = writable();
  const Fd other = kernel_.clone_tree(open_directory(attached(mount, "there")).value(), "").value();
  {
    const Fd open(::openat(mount.get(), "open", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const auto busy = kernel_.set_file_system_access(mount, Access::read_only);
    ASSERT_FALSE(busy);
    EXPECT_EQ(busy.error().code(), Code::mount_failed);
    EXPECT_THAT(busy.error().what(), HasSubstr("the file system: reconfigure: Device or resource busy"));
  }
  ASSERT_TRUE(kernel_.set_file_system_access(mount, Access::read_only));
  EXPECT_EQ(write_in(other), EROFS);
  ASSERT_TRUE(kernel_.set_file_system_access(mount, Access::read_write));
  EXPECT_EQ(write_in(other), 0);
  EXPECT_EQ(kernel_.set_file_system_access(Fd(), Access::read_only).error().code(), Code::mount_failed);
}

TEST_F(KernelMount, IsAttachedWithoutFollowingLinks) {
  (void)make_directory("elsewhere/there");
  directory_.link("link", "elsewhere");
  directory_.link("last", "elsewhere/there");
  for (const char* path : {"link/there", "last"}) {
    EXPECT_EQ(kernel_.attach(writable(), root(), path).error().code(), Code::path_refused) << path;
  }
  EXPECT_FALSE(mount_at(directory_.path("elsewhere/there")));
  EXPECT_EQ(kernel_.attach(writable(), root(), "absent").error().code(), Code::not_found);
  EXPECT_EQ(kernel_.attach(Fd(), root(), "elsewhere").error().code(), Code::mount_failed);
}

TEST_F(KernelMount, IsDetachedWithAllBelowIt) {
  const std::string outer = attached(writable(), "outer");
  const std::string inner = attached(writable(), "outer/inner");
  const Fd used(::open((inner + "/file").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  kernel_.detach(outer);
  EXPECT_FALSE(mount_at(outer));
  EXPECT_FALSE(mount_at(inner));
  EXPECT_TRUE(write_all(used, "still there"));
  kernel_.detach(outer);
  EXPECT_TRUE(mount_at(directory_.path()));
}

TEST_F(KernelMount, IsMovedBelowAnotherDirectoryWithoutFollowingLinks) {
  const std::string from = attached(writable(), "from");
  directory_.write("from/file", "x");
  const std::string to = make_directory("to/there");
  directory_.link("to/link", "there");
  const Fd target = open_directory(directory_.path("to")).value();
  EXPECT_EQ(kernel_.move(from, target, "link").error().code(), Code::path_refused);
  EXPECT_TRUE(mount_at(from));
  ASSERT_TRUE(kernel_.move(from, target, "there"));
  EXPECT_FALSE(mount_at(from));
  EXPECT_EQ(read_bytes(to + "/file"), "x");
  (void)make_directory("to/other");
  EXPECT_EQ(kernel_.move(from, target, "other").error().code(), Code::mount_failed);  // no mount any more
}

TEST_F(KernelMount, ApiFileSystemsHaveTheirLimits) {
  const std::string memory = directory_.path("memory");
  ASSERT_TRUE(
      kernel_.mount_api("tmpfs", memory, {{"mode", "0711"}, {"size", "128k"}, {"inode32", std::nullopt}}));
  const auto line = mount_at(memory);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->options, ",rw,nosuid,nodev,relatime,");
  EXPECT_TRUE(line->superblock_has("size=128k") && line->superblock_has("mode=711")) << line->superblock;
  EXPECT_EQ(line->source, "tmpfs");
  EXPECT_EQ(kernel_.mount_api("nosuchfs", directory_.path("other"), {}).error().code(), Code::mount_failed);
  EXPECT_EQ(kernel_.mount_api("tmpfs", directory_.path("absent/deeper"), {}).error().code(),
            Code::mount_failed);
}

class KernelFileSystems : public RootMounts {};

TEST_F(KernelFileSystems, HaveTheirLimitsEach) {
  Kernel kernel;
  for (const auto& [type, options] : {std::pair("sysfs", ",rw,nosuid,nodev,noexec,relatime,"),
                                      std::pair("proc", ",rw,nosuid,nodev,noexec,relatime,"),
                                      std::pair("devtmpfs", ",rw,nosuid,relatime,")}) {
    const std::string path = directory_.path(type);
    ASSERT_TRUE(kernel.mount_api(type, path, {}));
    EXPECT_EQ(mount_at(path).value_or(MountLine()).options, options) << type;
  }
  EXPECT_TRUE(kernel.mount_api("sysfs", directory_.path("sysfs"), {}));  // there already
}

// In a root of its own, which has nothing yet.
TEST_F(KernelFileSystems, AreMountedWhereTheyBelong) {
  EXPECT_TRUE(holds_in_a_process([&] {
    ASSERT_EQ(::chroot(directory_.path().c_str()), 0);
    ASSERT_EQ(::chdir("/"), 0);
    Kernel kernel;
    const auto mounted = mount_kernel_file_systems(kernel);
    ASSERT_TRUE(mounted) << mounted.error().line();
    for (const auto& [path, type] : {std::pair("/proc", "proc"), std::pair("/sys", "sysfs"),
                                     std::pair("/dev", "devtmpfs"), std::pair("/run", "tmpfs")}) {
      EXPECT_EQ(mount_at(path).value_or(MountLine()).type, type) << path;
    }
    const auto run = mount_at("/run").value_or(MountLine());
    EXPECT_TRUE(run.superblock_has("mode=755") && run.superblock_has("nr_inodes=819200")) << run.superblock;
    EXPECT_THAT(run.superblock, HasSubstr("size="));
  }));
}

}  // namespace
}  // namespace cfs
