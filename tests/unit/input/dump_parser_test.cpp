// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/dump_parser.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "cfs/base/text.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::string_view root = "/ 0 40755 2 0 0 0 1.5 - - -\n";

FileTree tree_of(std::string_view lines) {
  auto tree = parse_dump(cat(root, lines));
  EXPECT_TRUE(tree.has_value()) << (tree ? "" : tree.error().line());
  return tree ? std::move(*tree) : FileTree();
}

std::string refused(std::string_view lines) {
  const auto tree = parse_dump(lines);
  EXPECT_FALSE(tree.has_value()) << lines;
  return tree ? "" : cat(name(tree.error().code()), ": ", tree.error().what());
}

TEST(DumpParser, KeepsEveryField) {
  const FileTree tree = tree_of("/f 5 104755 3 1000 4294967295 0 -2.000000007 - hello - user.a=b\n");
  const Inode& file = tree.inodes.at(1);
  EXPECT_EQ(file.mode, static_cast<mode_t>(S_IFREG | 04755));
  EXPECT_EQ(file.uid, 1000U);
  EXPECT_EQ(file.gid, 4294967295U);
  EXPECT_EQ(file.mtime_sec, -2);
  EXPECT_EQ(file.mtime_nsec, 7U);
  EXPECT_EQ(file.links, 3U);
  EXPECT_EQ(std::get<std::string>(file.content), "hello");
  ASSERT_EQ(file.xattrs.size(), 1U);
  EXPECT_EQ(*file.xattrs[0], (Xattr{"user.a", "b"}));
}

TEST(DumpParser, SortsNamesAndTakesAnyOrder) {
  const FileTree tree =
      tree_of("/b 0 100644 1 0 0 0 1.0 - - -\n/a 0 40755 2 0 0 0 1.0 - - -\n/a/x 0 100644 1 0 0 0 1.0 - - -");
  const auto& entries = std::get<Directory>(tree.inodes.at(0).content);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_EQ(std::get<Directory>(tree.inodes.at(entries[0].inode).content).at(0).name, "x");
}

TEST(DumpParser, JoinsHardLinks) {
  const FileTree tree = tree_of("/b 0 @0 0 0 0 0 0.0 /c - -\n/c 1 100644 2 0 0 0 1.0 - x -\n");
  ASSERT_EQ(tree.inodes.size(), 2U);
  EXPECT_EQ(tree.inodes[1].links, 0U);  // as many as it has names
  const auto& entries = std::get<Directory>(tree.inodes[0].content);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].inode, entries[1].inode);
}

TEST(DumpParser, TakesALineWithoutItsOptionalFields) {
  const FileTree tree = tree_of("/a\\x20b\\\\\\n 0 100644 1 0 0 0 1.0\n");
  EXPECT_EQ(std::get<Directory>(tree.inodes[0].content).at(0).name, "a b\\\n");
}

TEST(DumpParser, NamesTheLineThatIsWrong) {
  EXPECT_EQ(refused(cat(root, "/a 0 100644 1 0 0 0 1.0 - - -\n/b x 100644 1 0 0 0 1.0 - - -\n")),
            "unsupported-input: line 3: /b: SIZE: \"x\" is not a number that fits");
  EXPECT_EQ(refused(cat(root, "/a-name-that-is-on-the-heap 0 @0 0 0 0 0 0.0 /\\q - -\n")),
            "unsupported-input: line 2: \"\\q\" is not an escape");
  EXPECT_EQ(refused(""), "unsupported-input: it is empty");
}

TEST(DumpParser, RefusesEveryBadFile) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CFS_TEST_DATA)) {
    const std::string file = entry.path().filename();
    if (file.starts_with("should-fail-dump-")) {
      const auto tree = load_dump(entry.path());
      ASSERT_FALSE(tree.has_value()) << file;
      EXPECT_EQ(tree.error().code(), Code::unsupported_input) << file;
      count += 1;
    }
  }
  EXPECT_GE(count, 30);
}

TEST(DumpParser, SaysThatThereIsNoFile) {
  const TempDirectory directory;
  EXPECT_EQ(load_dump(directory.path("none")).error().code(), Code::not_found);
}

}  // namespace
}  // namespace cfs
