// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/filter.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cfs/base/text.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/input/dump_parser.hpp"
#include "cfs/input/scan.hpp"
#include "unit/tar_archive.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr const char* dump =
    "/ 0 40755 2 7 8 0 100.5 - - - security.selinux=old\n"
    "/bin 0 40755 2 7 8 0 200.0 - - -\n"
    "/bin/early 1 100755 2 7 8 0 99.9 - x -\n"
    "/bin/late 1 100755 1 7 8 0 100.0 - x - security.selinux=old user.own=stays\n"
    "/bin/second-name 1 @100755 - - - - - /bin/early - -\n";

TEST(Exclusions, MatchWholePaths) {
  const Exclusions exclusions({"/var/cache/*", "*.pyc", "usr/share/[a-c]oc", "\xff?"});
  for (const auto* path :
       {"var/cache/apt", "var/cache/apt/x", "a.pyc", "usr/lib/a.pyc", "usr/share/boc", "\xff\xfe"}) {
    EXPECT_TRUE(exclusions.match(path)) << path;
  }
  for (const auto* path : {"var/cache", "x/var/cache/a", "a.pyco", "usr/share/doc", "usr/share/boc/x"}) {
    EXPECT_FALSE(exclusions.match(path)) << path;
  }
  EXPECT_FALSE(Exclusions().match(""));
}

TEST(Filter, ChangesNothingByDefault) {
  FileTree tree = parse_dump(dump).value();
  const auto before = erofs_image(parse_dump(dump).value());
  ASSERT_TRUE(filter(tree, {}));
  EXPECT_EQ(erofs_image(std::move(tree)).value(), before.value());
}

TEST(Filter, GivesEverythingToRoot) {
  FileTree tree = parse_dump(dump).value();
  ASSERT_TRUE(filter(tree, {.owner_root = true, .mtime_max = {}, .selinux = {}}));
  for (const Inode& inode : tree.inodes) {
    EXPECT_EQ(inode.uid, 0U);
    EXPECT_EQ(inode.gid, 0U);
  }
}

TEST(Filter, ClampsTimes) {
  FileTree tree = parse_dump(dump).value();
  ASSERT_TRUE(filter(tree, {.owner_root = false, .mtime_max = 100, .selinux = {}}));
  const auto time = [&](std::string_view path) {
    const Inode& inode = inode_at(tree, path);
    return std::pair(inode.mtime_sec, inode.mtime_nsec);
  };
  EXPECT_EQ(time(""), std::pair(std::int64_t{100}, 0U));
  EXPECT_EQ(time("bin"), std::pair(std::int64_t{100}, 0U));
  EXPECT_EQ(time("bin/early"), std::pair(std::int64_t{99}, 9U));
  EXPECT_EQ(time("bin/late"), std::pair(std::int64_t{100}, 0U));
}

std::string label(const FileTree& tree, std::string_view path) {
  std::string found;
  for (const Xattr* xattr : inode_at(tree, path).xattrs) {
    if (xattr->name == "security.selinux") {
      found += xattr->value;
    }
  }
  return found;
}

TEST(Filter, LabelsEverythingThatThePolicyNames) {
  const TempDirectory directory;
  FileTree tree = parse_dump(dump).value();
  const auto contexts = directory.write("contexts",
                                        "/ -d system_u:object_r:root_t:s0\n"
                                        "/bin/.* -- system_u:object_r:bin_t:s0\n"
                                        "/bin/second-name -- system_u:object_r:second_t:s0\n"
                                        "/bin/late -- <<none>>\n");
  ASSERT_TRUE(filter(tree, {.owner_root = false, .mtime_max = {}, .selinux = contexts}));
  EXPECT_EQ(label(tree, ""), std::string("system_u:object_r:root_t:s0\0", 28));
  EXPECT_EQ(label(tree, "bin"), "");
  EXPECT_EQ(label(tree, "bin/early"), std::string("system_u:object_r:bin_t:s0\0", 27));  // its first name
  EXPECT_EQ(label(tree, "bin/late"), "");
  EXPECT_EQ(inode_at(tree, "bin/late").xattrs.size(), 1U);
}

void make(const TempDirectory& root, bool reversed, uid_t owner) {
  for (int i = 0; i < 50; ++i) {
    const int number = reversed ? 49 - i : i;
    root.write(cat("dir", number % 3, "/file", number),
               std::string(static_cast<std::size_t>(number) * 5, 'x'));
  }
  if (::geteuid() == 0) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root.path())) {
      ASSERT_EQ(::lchown(entry.path().c_str(), owner, owner), 0);
    }
    ASSERT_EQ(::chown(root.path().c_str(), owner, owner), 0);
  }
  ASSERT_EQ(::chmod(root.path().c_str(), 0755), 0);
}

// Any user, any time, any order of the directories.
TEST(Filter, MakesImagesThatDoNotTellWhoMadeThem) {
  const TempDirectory one;
  const TempDirectory other;
  constexpr uid_t nobody = 65534;
  make(one, false, 0);
  make(other, true, nobody);
  const FilterOptions options{.owner_root = true, .mtime_max = 1000, .selinux = {}};
  FileTree first = scan(one.path(), {}).value();
  const uid_t user = ::geteuid();
  if (user == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);
  }
  auto second = scan(other.path(), {.threads = 1});
  ASSERT_EQ(::seteuid(user), 0);
  ASSERT_TRUE(second && filter(first, options) && filter(*second, options));
  EXPECT_EQ(erofs_image(std::move(first)).value(), erofs_image(std::move(*second)).value());
}

TEST(Filter, KeepsExcludedDirectoriesUnread) {
  const TempDirectory root;
  root.write("keep/a.txt", "");
  root.write("keep/a.pyc", "");
  root.write("secret/inside", "");
  root.write("secret.txt", "");
  ASSERT_EQ(::chmod(root.path("secret").c_str(), 0), 0);
  ASSERT_EQ(::chmod(root.path().c_str(), 0755), 0);
  const uid_t user = ::geteuid();
  if (user == 0) {
    ASSERT_EQ(::seteuid(65534), 0);  // root reads everything
  }
  const Exclusions exclude({"/secret", "*.pyc"});
  for (const auto& path : {root.path(), root.path() + "//"}) {
    const auto tree = scan(path, {.exclude = &exclude});
    EXPECT_TRUE(tree) << tree.error().line();
    EXPECT_EQ(tree ? paths_of(*tree) : "", "keep\nkeep/a.txt\nsecret.txt\n");
  }
  EXPECT_FALSE(scan(root.path(), {}));
  ASSERT_EQ(::seteuid(user), 0);
}

}  // namespace
}  // namespace cfs
