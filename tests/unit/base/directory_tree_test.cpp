// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/directory_tree.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cfs/base/digest.hpp"
#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

struct stat status_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

std::string attribute(const std::string& path, const char* name) {
  std::string value(256, '\0');
  const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
  return size < 0 ? std::string("none") : value.substr(0, static_cast<std::size_t>(size));
}

bool set_attribute(const std::string& path, const char* name, std::string_view value) {
  return ::lsetxattr(path.c_str(), name, value.data(), value.size(), 0) == 0;
}

class CopyTree : public ::testing::Test {
 protected:
  Result<> copy(const CopyOptions& options = {}) {
    return copy_tree(open_directory(directory_.path("from")).value(),
                     open_directory(directory_.path()).value(), "to", options);
  }

  TempDirectory directory_;
};

TEST_F(CopyTree, KeepsContentsModesAndTimes) {
  const std::string large(300000, 'x');
  directory_.write("from/a/large", large);
  directory_.write("from/a/b/empty", "");
  directory_.link("from/a/link", "/nowhere");
  ASSERT_EQ(::chmod(directory_.path("from/a/large").c_str(), 04711), 0);
  ASSERT_EQ(::chmod(directory_.path("from/a/b").c_str(), 01777), 0);
  ASSERT_EQ(::mkfifo(directory_.path("from/fifo").c_str(), 0640), 0);
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 2}, {.tv_sec = -3, .tv_nsec = 4}};
  for (const char* name : {"from/a/large", "from/a/link", "from/a/b", "from"}) {
    ASSERT_EQ(::utimensat(AT_FDCWD, directory_.path(name).c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }
  const auto copied = copy();
  ASSERT_TRUE(copied) << copied.error().line();
  EXPECT_EQ(read_bytes(directory_.path("to/a/large")), large);
  EXPECT_EQ(std::filesystem::read_symlink(directory_.path("to/a/link")), "/nowhere");
  for (const char* name : {"", "/a", "/a/large", "/a/link", "/a/b", "/a/b/empty", "/fifo"}) {
    const auto from = status_of(directory_.path("from") + name);
    const auto to = status_of(directory_.path("to") + name);
    EXPECT_EQ(to.st_mode, from.st_mode) << name;
    EXPECT_EQ(to.st_mtim.tv_sec, from.st_mtim.tv_sec) << name;
    EXPECT_EQ(to.st_mtim.tv_nsec, from.st_mtim.tv_nsec) << name;
  }
}

TEST_F(CopyTree, KeepsHardLinks) {
  directory_.write("from/a/one", "same");
  std::filesystem::create_directory(directory_.path("from/b"));
  std::filesystem::create_hard_link(directory_.path("from/a/one"), directory_.path("from/b/two"));
  ASSERT_TRUE(copy());
  EXPECT_EQ(status_of(directory_.path("to/a/one")).st_ino, status_of(directory_.path("to/b/two")).st_ino);
  EXPECT_NE(status_of(directory_.path("to/a/one")).st_ino, status_of(directory_.path("from/a/one")).st_ino);
}

TEST_F(CopyTree, KeepsAttributes) {
  const std::string file = directory_.write("from/a/file", "x");
  if (!set_attribute(file, "user.note", std::string_view("a\0b", 3))) {
    GTEST_SKIP() << "the file system of the temporary directory has no user attributes";
  }
  ASSERT_TRUE(set_attribute(directory_.path("from/a"), "user.empty", ""));
  ASSERT_TRUE(set_attribute(directory_.path("from"), "user.root", "r"));
  ASSERT_TRUE(copy());
  EXPECT_EQ(attribute(directory_.path("to/a/file"), "user.note"), std::string("a\0b", 3));
  EXPECT_EQ(attribute(directory_.path("to/a"), "user.empty"), "");
  EXPECT_EQ(attribute(directory_.path("to"), "user.root"), "r");
}

TEST_F(CopyTree, RefusesWhatIsThereAlready) {
  directory_.write("from/a", "x");
  directory_.write("to/b", "x");
  EXPECT_EQ(copy().error().code(), Code::already_exists);
}

TEST_F(CopyTree, RefusesATreeWithoutEnd) {
  std::string path = "from";
  for (int i = 0; i <= deepest_copy; ++i) {
    path += "/d";
  }
  std::filesystem::create_directories(directory_.path(path));
  EXPECT_EQ(copy().error().code(), Code::unsupported_input);
}

// Needs CAP_SYS_ADMIN: attributes of overlayfs are trusted ones.
class CopyUpper : public CopyTree {
 protected:
  void SetUp() override {
    changed_ = directory_.write("from/changed", std::string(3, '\0'));
    if (!set_attribute(changed_, "trusted.overlay.origin", "handle")) {
      GTEST_SKIP() << "this user or file system cannot have trusted attributes";
    }
    std::string value("\0\x24\0\1", 4);
    value.append(32, '\xab');
    ASSERT_TRUE(set_attribute(changed_, "trusted.overlay.metacopy", value));
    ASSERT_TRUE(set_attribute(changed_, "trusted.overlay.redirect", "/elsewhere"));
    ASSERT_TRUE(set_attribute(changed_, "user.note", "kept"));
    std::filesystem::create_directory(directory_.path("from/replaced"));
    ASSERT_TRUE(set_attribute(directory_.path("from/replaced"), "trusted.overlay.opaque", "y"));
    ASSERT_EQ(::mknod(directory_.path("from/removed").c_str(), S_IFCHR, 0), 0);
    std::filesystem::create_directory(directory_.path("objects"));
    objects_ = open_directory(directory_.path("objects")).value();
  }

  std::string changed_;
  Fd objects_;
};

TEST_F(CopyUpper, KeepsWhatWasRemovedAndReplaced) {
  const auto copied = copy({.objects = &objects_});
  ASSERT_TRUE(copied) << copied.error().line();
  EXPECT_TRUE(S_ISCHR(status_of(directory_.path("to/removed")).st_mode));
  EXPECT_EQ(status_of(directory_.path("to/removed")).st_rdev, 0U);
  EXPECT_EQ(attribute(directory_.path("to/replaced"), "trusted.overlay.opaque"), "y");
}

TEST_F(CopyUpper, GivesFilesTheContentsThatTheyHadInTheImage) {
  std::string hex = "ab/";
  for (int i = 0; i < 31; ++i) {
    hex += "ab";
  }
  directory_.write("objects/" + hex, "configuration");
  ASSERT_TRUE(copy({.objects = &objects_}));
  const std::string to = directory_.path("to/changed");
  EXPECT_EQ(read_bytes(to), "configuration");
  EXPECT_EQ(attribute(to, "user.note"), "kept");
  for (const char* name : {"origin", "metacopy", "redirect"}) {
    EXPECT_EQ(attribute(to, (std::string("trusted.overlay.") + name).c_str()), "none") << name;
  }
}

TEST_F(CopyUpper, LeavesOutFilesWhoseContentsAreGone) {
  std::filesystem::create_hard_link(changed_, directory_.path("from/second-name"));
  const auto copied = copy({.objects = &objects_});
  ASSERT_TRUE(copied) << copied.error().line();
  EXPECT_FALSE(std::filesystem::exists(directory_.path("to/changed")));
  EXPECT_FALSE(std::filesystem::exists(directory_.path("to/second-name")));
}

TEST(RemoveTree, RemovesEverythingButFollowsNoLink) {
  const TempDirectory directory;
  const std::string kept = directory.write("elsewhere/kept", "kept");
  directory.write("root/a/b/c", "x");
  directory.write("root/.hidden", "x");
  directory.link("root/link", directory.path("elsewhere"));
  EXPECT_TRUE(remove_tree(*open_directory(directory.path("root"))));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path("root")));
  EXPECT_EQ(read_bytes(kept), "kept");
}

TEST(RemoveTree, StopsWhenItsTimeIsOver) {
  const TempDirectory directory;
  const std::string kept = directory.write("root/a", "x");
  EXPECT_FALSE(remove_tree(*open_directory(directory.path("root")), std::chrono::steady_clock::now()));
  EXPECT_EQ(read_bytes(kept), "x");
}

}  // namespace
}  // namespace cfs
