// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/handover.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "cfs/base/file.hpp"
#include "unit/private_mounts.hpp"

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

// Of a path that begins with a slash, too; the names are ones that no host has.
TEST_F(CheckInit, BeginsAtTheRoot) {
  make_program("only-in-the-root/program");
  directory_.link("absolute", "/only-in-the-root/program");
  directory_.link("climbing", "../../only-in-the-root/program");
  for (const char* init : {"/only-in-the-root/program", "only-in-the-root/program", "/absolute", "/climbing",
                           "/../only-in-the-root/program"}) {
    const auto checked = check(init);
    EXPECT_TRUE(checked) << init << ": " << checked.error().what();
  }
  EXPECT_EQ(check(directory_.path("only-in-the-root/program")).error().code(), Code::init_failed);
}

TEST_F(CheckInit, TakesAProgramThatAnyoneMayExecute) {
  const std::string program = directory_.write("init", "#!");
  for (const mode_t mode : {0100U, 0010U, 0001U, 0755U}) {
    ASSERT_EQ(::chmod(program.c_str(), mode), 0);
    EXPECT_TRUE(check("/init")) << mode;
  }
  ASSERT_EQ(::chmod(program.c_str(), 0666), 0);
  EXPECT_EQ(check("/init").error().code(), Code::init_failed);
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

// A machine in small: a root in memory with what the kernel has mounted in it, and a tree to enter.
class SwitchRoot : public PrivateMounts {
 protected:
  // In a process of its own: makes DIRECTORY/machine the root, of this type, with the tree as a detached
  // mount.
  [[nodiscard]] Fd enter_machine(const char* type, Kernel& kernel) {
    const std::string machine = make_directory("machine");
    const std::string layers = "lowerdir=" + make_directory("lower") +
                               ",upperdir=" + make_directory("upper") + ",workdir=" + make_directory("work");
    const bool overlay = std::string_view(type) == "overlay";
    EXPECT_EQ(::mount("machine", machine.c_str(), type, 0, overlay ? layers.c_str() : nullptr), 0);
    for (const std::string name : {"dev", "proc", "sys", "run"}) {
      const std::string path = make_directory("machine/" + name);
      EXPECT_EQ(::mount(name.c_str(), path.c_str(), "tmpfs", 0, nullptr), 0);
      directory_.write("machine/" + name + "/of-the-machine", name);
    }
    directory_.write("machine/usr/bin/initramfs", "x");
    auto tree = kernel.mount(
        {.type = "tmpfs", .source = "tree", .superblock = Access::read_write, .mount = Access::read_write});
    EXPECT_TRUE(tree);
    old_root_ = open_directory(machine).value();
    // Not by the code that is looked at: if this failed, what follows would act on the machine of the test.
    if (HasFailure() || ::chdir(machine.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
        ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0 ||
        !std::filesystem::exists("/usr/bin/initramfs") || std::filesystem::exists("/tmp")) {
      ADD_FAILURE() << "the root cannot be exchanged";
      ::_exit(1);
    }
    return std::move(*tree);
  }
  static void make_places(const Fd& tree, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      ASSERT_EQ(::mkdirat(tree.get(), name.c_str(), 0755), 0);
    }
  }
  [[nodiscard]] bool old_root_has(const char* path) const {
    return ::faccessat(old_root_.get(), path, F_OK, 0) == 0;
  }

  Fd old_root_;
};

TEST_F(SwitchRoot, MovesWhatTheKernelMountedAndFreesTheOldRoot) {
  for (const char* type : {"tmpfs", "ramfs"}) {
    EXPECT_TRUE(holds_in_a_process([&] {
      Kernel kernel;
      const Fd tree = enter_machine(type, kernel);
      make_places(tree, {"dev", "proc", "sys", "run"});
      const auto entered = switch_root(kernel, tree);
      ASSERT_TRUE(entered) << entered.error().line();
      for (const std::string name : {"dev", "proc", "sys", "run"}) {
        EXPECT_EQ(read_bytes('/' + name + "/of-the-machine"), name);
      }
      EXPECT_FALSE(std::filesystem::exists("/usr"));
      EXPECT_FALSE(old_root_has("usr")) << type;
    })) << type;
  }
}

// What is not in memory stays: an overlay stands for a disk here.
TEST_F(SwitchRoot, LeavesAFileSystemThatIsNotInMemory) {
  if (!run_by_root) {
    GTEST_SKIP() << "needs root, to mount an overlay";
  }
  EXPECT_TRUE(holds_in_a_process([&] {
    Kernel kernel;
    const Fd tree = enter_machine("overlay", kernel);
    make_places(tree, {"dev", "proc", "sys", "run"});
    const auto entered = switch_root(kernel, tree);
    ASSERT_TRUE(entered) << entered.error().line();
    EXPECT_TRUE(old_root_has("usr/bin/initramfs"));
  }));
}

TEST_F(SwitchRoot, NeedsAPlaceForEachInTheTree) {
  for (const std::string missing : {"dev", "proc", "sys", "run"}) {
    EXPECT_TRUE(holds_in_a_process([&] {
      Kernel kernel;
      const Fd tree = enter_machine("tmpfs", kernel);
      std::vector<std::string> names{"dev", "proc", "sys", "run"};
      std::erase(names, missing);
      make_places(tree, names);
      const auto entered = switch_root(kernel, tree);
      ASSERT_FALSE(entered);
      EXPECT_TRUE(entered.error().what().starts_with("the image needs a directory /" + missing + ": "))
          << entered.error().what();
      EXPECT_TRUE(old_root_has("usr/bin/initramfs"));
    })) << missing;
  }
}

class Execute : public PrivateMounts {};

TEST_F(Execute, GivesArgumentsAndEnvironmentAlone) {
  const std::string out = directory_.path("out");
  EXPECT_TRUE(holds_in_a_process([&] {
    (void)execute("/bin/sh", {"-c", "echo \"$0 $1 $A\" > \"$OUT\"; [ -z \"$HOME\" ]", "zero", "one two"},
                  {"A=b c", "OUT=" + out});
    FAIL() << "was not executed";
  }));
  EXPECT_EQ(read_bytes(out), "zero one two b c\n");
}

TEST_F(Execute, SaysWhatCannotBeExecuted) {
  const Error error = execute("/nonexistent", {}, {});
  EXPECT_EQ(error.code(), Code::init_failed);
  EXPECT_EQ(error.what(), "execute /nonexistent: No such file or directory");
}

}  // namespace
}  // namespace cfs
