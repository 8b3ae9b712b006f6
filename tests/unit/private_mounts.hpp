// SPDX-License-Identifier: Apache-2.0
// Tests that mount: out of sight of the machine, as root or as anyone who may have a user namespace.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "cfs/base/fd.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {

// Whether root of the machine runs the test, whoever the test is in a user namespace later.
inline const bool run_by_root = ::geteuid() == 0;

// Gives this process namespaces of its own: a user namespace, in which it is root, unless it is root already.
inline bool enter_namespaces(int which) {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (user == 0) {
    return ::unshare(which) == 0;
  }
  if (::unshare(which | CLONE_NEWUSER) != 0) {
    return false;
  }
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  return ::geteuid() == 0;
}

// A mount namespace from which nothing propagates; false where the kernel gives none.
inline bool enter_private_mounts() {
  return enter_namespaces(CLONE_NEWNS) && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// Runs `act` in a process with a mount namespace of its own, which may exchange its root, and says whether no
// expectation failed there. Needs enter_private_mounts(). The namespace matters: pivot_root(2) exchanges the
// root of every process that shares it.
template <class Act>
[[nodiscard]] bool holds_in_a_process(Act act) {
  (void)::fflush(nullptr);
  const pid_t process = ::fork();
  if (process == 0) {
    if (::unshare(CLONE_NEWNS) != 0) {
      ::_exit(1);
    }
    act();
    (void)::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  return ::waitpid(process, &status, 0) == process && status == 0;
}

// What the kernel's mount table says of the mount at `path`, which is the last one there; nothing if there is
// none.
struct MountLine {
  std::string options;     // of the mount, with commas around each: ",ro,nosuid,"
  std::string type;        // "tmpfs"
  std::string source;      // what it was mounted from
  std::string superblock;  // options of the file system, likewise

  [[nodiscard]] bool has(const std::string& option) const {
    return options.find(',' + option + ',') != std::string::npos;
  }
  [[nodiscard]] bool superblock_has(const std::string& option) const {
    return superblock.find(',' + option + ',') != std::string::npos;
  }
};

inline std::optional<MountLine> mount_at(const std::string& path) {
  std::optional<MountLine> found;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string place;
    MountLine mount;
    fields >> skipped >> skipped >> skipped >> skipped >> place >> mount.options;
    while (fields >> skipped && skipped != "-") {
    }
    fields >> mount.type >> mount.source >> mount.superblock;
    if (place == path) {
      mount.options = ',' + mount.options + ',';
      mount.superblock = ',' + mount.superblock + ',';
      found = mount;
    }
  }
  return found;
}

// ST_RDONLY, ST_NODEV, … of a mount that may be attached nowhere.
inline unsigned long mount_flags(const Fd& mount) {
  struct statvfs status{};
  EXPECT_EQ(::fstatvfs(mount.get(), &status), 0);
  return status.f_flag;
}

// For fixtures: a directory on a file system of its own, seen by this process alone.
class PrivateMounts : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!enter_private_mounts()) {
      GTEST_SKIP() << "this kernel gives no mount namespace to this user";
    }
    ASSERT_EQ(::mount("test", directory_.path().c_str(), "tmpfs", 0, nullptr), 0);
  }
  void TearDown() override { (void)::umount2(directory_.path().c_str(), MNT_DETACH); }

  [[nodiscard]] std::string make_directory(const std::string& name) const {
    std::filesystem::create_directories(directory_.path(name));
    return directory_.path(name);
  }

  const TempDirectory directory_;
};

// Where only the root user of the machine will do: overlays whose attributes are trusted.*, block devices.
class RootMounts : public PrivateMounts {
 protected:
  void SetUp() override {
    if (!run_by_root) {
      GTEST_SKIP() << "needs root";
    }
    PrivateMounts::SetUp();
  }
};

}  // namespace cfs
