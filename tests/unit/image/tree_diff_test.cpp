// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/tree_diff.hpp"

#include <gtest/gtest.h>

#include "cfs/base/text.hpp"
#include "cfs/input/dump_parser.hpp"

namespace cfs {
namespace {

constexpr std::string_view root = "/ 0 40755 2 0 0 0 1.0 - - -\n";

FileTree tree_of(std::string_view lines) {
  return parse_dump(cat(root, lines)).value();
}

std::string difference(std::string_view before, std::string_view after) {
  std::string out;
  EXPECT_TRUE(
      diff_trees(tree_of(before), tree_of(after),
                 [&](Difference what, const std::string& path, const std::vector<std::string_view>& aspects) {
                   out += cat(name(what), ' ', path);
                   for (const std::string_view aspect : aspects) {
                     out += cat(' ', aspect);
                   }
                   out += '\n';
                   return Result<>();
                 }));
  return out;
}

constexpr std::string_view file = "/f 5 100644 1 0 0 0 1.0 - hello - user.a=b\n";

TEST(TreeDiff, FindsNothingInTheSameTree) {
  EXPECT_EQ(difference(file, file), "");
}

TEST(TreeDiff, NamesWhatChanged) {
  EXPECT_EQ(difference(file, "/f 5 100644 1 0 0 0 1.0 - HELLO - user.a=b\n"), "changed /f content\n");
  EXPECT_EQ(difference(file, "/f 100 100644 1 0 0 0 1.0 - - - user.a=b\n"), "changed /f content\n");
  EXPECT_EQ(difference(file, "/f 5 104644 1 0 0 0 1.0 - hello - user.a=b\n"), "changed /f mode\n");
  EXPECT_EQ(difference(file, "/f 5 100644 1 0 7 0 1.0 - hello - user.a=b\n"), "changed /f owner\n");
  EXPECT_EQ(difference(file, "/f 5 100644 1 0 0 0 1.1 - hello - user.a=b\n"), "changed /f mtime\n");
  EXPECT_EQ(difference(file, "/f 5 100644 1 0 0 0 1.0 - hello - user.a=c\n"), "changed /f xattr\n");
  EXPECT_EQ(difference(file, "/f 5 100644 1 0 0 0 1.0 - hello - user.b=b\n"), "changed /f xattr\n");
  EXPECT_EQ(difference(file, "/f 5 100644 2 0 0 0 1.0 - hello - user.a=b\n"), "changed /f links\n");
  EXPECT_EQ(difference(file, "/f 0 120644 1 0 0 0 1.0 hello - - user.a=b\n"), "changed /f type\n");
  EXPECT_EQ(difference("/d 0 20644 1 0 0 5 1.0\n", "/d 0 20644 1 0 0 6 1.0\n"), "changed /d content\n");
  EXPECT_EQ(difference("/l 0 120777 1 0 0 0 1.0 a\n", "/l 0 120777 1 9 0 0 2.0 b\n"),
            "changed /l content owner mtime\n");
}

TEST(TreeDiff, NamesAllThatCameAndWent) {
  const std::string directory =
      "/d 0 40755 2 0 0 0 1.0 - - -\n/d/a 0 40755 2 0 0 0 1.0 - - -\n/d/a/x 0 100644 1 0 0 0 1.0 - - -\n";
  EXPECT_EQ(difference("", directory), "added /d\nadded /d/a\nadded /d/a/x\n");
  EXPECT_EQ(difference(directory, "/c 0 100644 1 0 0 0 1.0 - - -\n"),
            "added /c\nremoved /d\nremoved /d/a\nremoved /d/a/x\n");
  EXPECT_EQ(difference(directory, "/d 0 100755 1 0 0 0 1.0 - - -\n"),
            "changed /d type\nremoved /d/a\nremoved /d/a/x\n");
}

TEST(TreeDiff, CountsEachNewObjectOnce) {
  const FileTree before = tree_of("/a 100 100644 1 0 0 0 1.0 aa/old - -\n");
  const FileTree after = tree_of(
      "/a 100 100644 1 0 0 0 1.0 aa/old - -\n/b 7 100644 1 0 0 0 1.0 aa/new - -\n"
      "/c 7 100644 1 0 0 0 1.0 aa/new - -\n/d 9 100644 1 0 0 0 1.0 - - -\n/e 2 100644 1 0 0 0 1.0 - xx -\n");
  EXPECT_EQ(new_objects(before, after), (std::map<std::string, std::uint64_t>{{"aa/new", 7}}));
  EXPECT_TRUE(new_objects(after, before).empty());
}

}  // namespace
}  // namespace cfs
