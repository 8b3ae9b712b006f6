// SPDX-License-Identifier: Apache-2.0
// The images of cfs-sign compose beside those of mkcomposefs, from Debian testing: they must be equal, byte
// for byte. Needs root, to make files of every kind.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "golden/oracle.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;

void check(bool done, const fs::path& path) {
  ASSERT_TRUE(done) << path << ": " << std::strerror(errno);
}

TEST(Mkcomposefs, MakesTheSameImageOfADebianRoot) {
  expect_equal_images(must({CFS_SOURCE "/qemu/debian-root", "trixie"}));
}

class Tree : public ::testing::Test {
 protected:
  // Times that the clock did not choose, so that every run makes the same tree.
  void TearDown() override {
    for (const auto& entry : fs::recursive_directory_iterator(tree_)) {
      set_time(entry.path(), {.tv_sec = 1700000000, .tv_nsec = 0});
    }
    for (const auto& [path, time] : times_) {
      set_time(path, time);
    }
    set_time(tree_, {.tv_sec = 1700000000, .tv_nsec = 5});
    expect_equal_images(tree_);
  }

  static void set_time(const fs::path& path, timespec time) {
    const timespec both[2] = {time, time};
    check(::utimensat(AT_FDCWD, path.c_str(), both, AT_SYMLINK_NOFOLLOW) == 0, path);
  }

  fs::path file(const std::string& name, std::size_t size) {
    write(tree_ / name, std::string(size, 'x'));
    return tree_ / name;
  }

  void xattr(const fs::path& path, const char* name, const std::string& value) {
    check(::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0, path);
  }

  Workshop workshop_;
  fs::path tree_ = [this] {
    fs::create_directory(workshop_ / "tree");
    return workshop_ / "tree";
  }();
  std::vector<std::pair<fs::path, timespec>> times_;
};

TEST_F(Tree, OfSizes) {
  for (const std::size_t size :
       {0UL, 1UL, 63UL, 64UL, 65UL, 4095UL, 4096UL, 4097UL, 524288UL, 524289UL, 3000000UL}) {
    file("file-" + std::to_string(size), size);
  }
}

TEST_F(Tree, OfNames) {
  file(std::string(255, 'n'), 10);
  file("00", 10);  // as the directories of objects
  file("ff", 100);
  file(" !\"#+-,..x", 1);  // before and after "." and ".."
  file("\x01\xff\xfe\n\t\\", 1);
  fs::create_directories(tree_ / "a/b/c/d/e");
}

TEST_F(Tree, OfDirectorySizes) {
  for (const int entries : {1, 60, 100, 150, 250, 1000}) {
    const auto directory = tree_ / ("directory-" + std::to_string(entries));
    fs::create_directory(directory);
    for (int i = 0; i < entries; ++i) {
      write(directory / ("entry-" + std::to_string(i)), "x");
    }
  }
}

TEST_F(Tree, OfSymbolicLinks) {
  for (const std::size_t length : {1UL, 60UL, 2000UL, 3000UL, 4000UL, 4030UL, 4050UL, 4095UL}) {
    fs::create_symlink(std::string(length, 't'), tree_ / ("link-" + std::to_string(length)));
  }
}

TEST_F(Tree, OfKinds) {
  check(::mkfifo((tree_ / "fifo").c_str(), 0600) == 0, "fifo");
  check(::mknod((tree_ / "char").c_str(), S_IFCHR | 0644, makedev(5, 1)) == 0, "char");
  check(::mknod((tree_ / "block").c_str(), S_IFBLK | 0660, makedev(259, 300)) == 0, "block");
  check(::mknod((tree_ / "socket").c_str(), S_IFSOCK | 0755, 0) == 0, "socket");
  file("set-uid", 100);
  fs::permissions(tree_ / "set-uid", fs::perms(06755));
  fs::create_hard_link(file("large", 5000), tree_ / "large-again");
  fs::create_hard_link(file("small", 5), tree_ / "small-again");
}

TEST_F(Tree, OfOwnersAndTimes) {
  check(::chown(file("owned", 10).c_str(), 65535, 65536) == 0, "owned");
  check(::chown(file("far", 10).c_str(), 4000000000, 4000000000) == 0, "far");
  times_.emplace_back(file("before-1970", 100), timespec{.tv_sec = -1000000, .tv_nsec = 7});
  times_.emplace_back(file("after-2106", 100), timespec{.tv_sec = 5000000000, .tv_nsec = 999999999});
}

TEST_F(Tree, OfWhiteoutsAndOpaqueDirectories) {
  fs::create_directory(tree_ / "opaque");
  xattr(tree_ / "opaque", "trusted.overlay.opaque", "y");
  fs::create_directory(tree_ / "covered");
  check(::mknod((tree_ / "covered/gone").c_str(), S_IFCHR, 0) == 0, "whiteout");
  xattr(file("escaped", 100), "trusted.overlay.metacopy", "");
}

TEST_F(Tree, OfExtendedAttributes) {
  const std::string capability(
      "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  xattr(file("capable", 100), "security.capability", capability);
  for (int i = 0; i < 3; ++i) {
    const auto path = file("labelled-" + std::to_string(i), 100);
    xattr(path, "security.selinux", std::string("system_u:object_r:etc_t:s0\0", 27));
    xattr(path, "user.own", "value " + std::to_string(i));
    xattr(path, "trusted.shared", "the same");
  }
  xattr(file("many", 10), "user.long", std::string(2000, 'v'));
  for (int i = 0; i < 40; ++i) {
    xattr(tree_ / "many", ("user.number-" + std::to_string(i)).c_str(), "x");
  }
  const std::string acl(
      "\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\x01\x00\x00\x00\x04\x00\x04"
      "\x00\xff\xff\xff\xff\x10\x00\x06\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff",
      44);
  xattr(file("acl", 100), "system.posix_acl_access", acl);
}

}  // namespace
}  // namespace cfs::test
