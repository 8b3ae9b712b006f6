// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/tree_builder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

#include "cfs/base/text.hpp"
#include "unit/tar_archive.hpp"

namespace cfs {
namespace {

TEST(EntryPath, IsThePathFromTheRoot) {
  for (const auto& [name, path] : {std::pair("./", ""),
                                   {".", ""},
                                   {"usr", "usr"},
                                   {"./usr//lib/./x/", "usr/lib/x"},
                                   {"..a/b..", "..a/b.."},
                                   {"\xff\n", "\xff\n"}}) {
    EXPECT_EQ(entry_path(name).value(), path);
  }
  for (const auto* name : {"", "/", "/etc", "..", "a/..", "a/../b", "./.."}) {
    EXPECT_EQ(entry_path(name).error().code(), Code::archive_malformed) << name;
  }
  EXPECT_TRUE(entry_path(std::string(255, 'n')));
  EXPECT_EQ(entry_path(std::string(256, 'n')).error().code(), Code::unsupported_input);
  std::string deep;
  for (int i = 0; i < 3000; ++i) {
    deep += "d/";
  }
  EXPECT_EQ(entry_path(deep).error().code(), Code::unsupported_input);
}

struct Layers {
  // Adds it, marked with the layer's number.
  Result<> add(std::string_view path, mode_t type = S_IFREG) {
    Inode* inode = CFS_TRY(builder.add(path, type));
    if (inode != nullptr) {
      inode->mode |= 0700;
      inode->uid = layer;
    }
    return {};
  }
  void next_layer() {
    builder.begin_layer();
    ++layer;
  }

  uid_t layer = 1;
  TreeBuilder builder;
};

class TreeBuilderTest : public testing::Test, public Layers {};

TEST_F(TreeBuilderTest, SortsAndImpliesDirectories) {
  ASSERT_TRUE(add("z"));
  ASSERT_TRUE(add("a/b/c"));
  ASSERT_TRUE(add("a/b", S_IFDIR));
  const FileTree tree = std::move(builder).finish();
  EXPECT_EQ(paths_of(tree), "a\na/b\na/b/c\nz\n");
  EXPECT_EQ(inode_at(tree, "").mode, static_cast<mode_t>(S_IFDIR | 0755));
  EXPECT_EQ(inode_at(tree, "a").mode, static_cast<mode_t>(S_IFDIR | 0755));
  EXPECT_EQ(inode_at(tree, "a/b").mode, static_cast<mode_t>(S_IFDIR | 0700));
}

TEST_F(TreeBuilderTest, RefusesWhatIsThereTwice) {
  ASSERT_TRUE(add("", S_IFDIR) && add("d", S_IFDIR) && add("f") && add("i/x"));
  for (const auto& [path, type] : {std::pair("", S_IFDIR),
                                   {"d", S_IFDIR},
                                   {"d", S_IFREG},
                                   {"f", S_IFREG},
                                   {"f", S_IFDIR},
                                   {"i", S_IFLNK}}) {
    EXPECT_EQ(add(path, static_cast<mode_t>(type)).error().code(), Code::archive_malformed) << path;
  }
  EXPECT_FALSE(add("", S_IFREG));
}

TEST_F(TreeBuilderTest, FollowsNothing) {
  ASSERT_TRUE(add("link", S_IFLNK) && add("a/file"));
  for (const auto* path : {"link/x", "a/file/x", "a/file/x/y"}) {
    const auto outcome = add(path);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code(), Code::archive_malformed);
    EXPECT_NE(outcome.error().what().find("not a directory"), std::string::npos);
  }
  next_layer();
  EXPECT_FALSE(add("link/x"));
  EXPECT_FALSE(builder.hide("link/x"));
  EXPECT_FALSE(builder.hide_contents("link"));
}

TEST_F(TreeBuilderTest, CopiesHardLinks) {
  ASSERT_TRUE(add("a", S_IFLNK) && add("d", S_IFDIR));
  ASSERT_TRUE(builder.link("d/b", "a"));
  EXPECT_EQ(builder.link("c", "missing").error().code(), Code::archive_malformed);
  EXPECT_EQ(builder.link("c", "d").error().code(), Code::archive_malformed);
  EXPECT_EQ(builder.link("a", "a").error().code(), Code::archive_malformed);
  const FileTree tree = std::move(builder).finish();
  EXPECT_NE(&inode_at(tree, "a"), &inode_at(tree, "d/b"));
  EXPECT_EQ(inode_at(tree, "d/b").mode, inode_at(tree, "a").mode);
}

TEST_F(TreeBuilderTest, LaysLayersOverEachOther) {
  ASSERT_TRUE(add("d", S_IFDIR) && add("d/lower") && add("file") && add("gone", S_IFDIR) && add("gone/x"));
  next_layer();
  ASSERT_TRUE(add("d", S_IFDIR) && add("d/upper") && add("file", S_IFDIR) && add("file/x") && add("gone"));
  const FileTree tree = std::move(builder).finish();
  EXPECT_EQ(paths_of(tree), "d\nd/lower\nd/upper\nfile\nfile/x\ngone\n");
  EXPECT_EQ(inode_at(tree, "d").uid, 2U);
  EXPECT_EQ(inode_at(tree, "d/lower").uid, 1U);
  EXPECT_EQ(inode_at(tree, "gone").uid, 2U);
  EXPECT_EQ(tree.inodes.size(), 7U);  // what was replaced is not in it
}

TEST_F(TreeBuilderTest, HidesWhatLowerLayersHaveInAnyOrder) {
  using Step = std::function<Result<>(Layers&)>;
  std::vector<std::pair<int, Step>> steps{
      {0, [](auto& t) { return t.builder.hide("file"); }},
      {1, [](auto& t) { return t.builder.hide("d"); }},
      {2, [](auto& t) { return t.add("d/sub/new"); }},
      {3, [](auto& t) { return t.builder.hide_contents("opaque"); }},
      {4, [](auto& t) { return t.add("opaque/sub", S_IFDIR); }},
      {5, [](auto& t) { return t.builder.hide("never/was"); }},
  };
  const auto order = [](const auto& a, const auto& b) { return a.first < b.first; };
  do {
    Layers test;
    ASSERT_TRUE(test.add("file") && test.add("d", S_IFDIR) && test.add("d/old") &&
                test.add("d/sub", S_IFDIR) && test.add("d/sub/old") && test.add("opaque", S_IFDIR) &&
                test.add("opaque/old") && test.add("opaque/sub", S_IFDIR) && test.add("opaque/sub/old"));
    test.next_layer();
    for (const auto& [number, step] : steps) {
      ASSERT_TRUE(step(test)) << number;
    }
    const FileTree tree = std::move(test.builder).finish();
    ASSERT_EQ(paths_of(tree), "d\nd/sub\nd/sub/new\nnever\nopaque\nopaque/sub\n");
    ASSERT_EQ(inode_at(tree, "d").uid, 0U);  // a new one, which the layer only implies
    ASSERT_EQ(inode_at(tree, "d/sub").uid, 0U);
    ASSERT_EQ(inode_at(tree, "opaque").uid, 1U);
    ASSERT_EQ(inode_at(tree, "opaque/sub").uid, 2U);
  } while (std::next_permutation(steps.begin(), steps.end(), order));
}

TEST_F(TreeBuilderTest, NeverHidesWhatItsOwnLayerHas) {
  ASSERT_TRUE(add("file") && builder.hide("file") && add("d/x") && builder.hide_contents("d"));
  EXPECT_EQ(paths_of(std::move(builder).finish()), "d\nd/x\nfile\n");
}

TEST(TreeBuilder, LeavesOutWhatIsExcluded) {
  const Exclusions exclude({"out", "*.o"});
  TreeBuilder builder(&exclude);
  for (const auto* path : {"out", "out/deep/x", "in/a.o"}) {
    EXPECT_EQ(builder.add(path, S_IFREG).value(), nullptr) << path;
  }
  ASSERT_NE(builder.add("in/out", S_IFREG).value(), nullptr);
  EXPECT_TRUE(builder.link("out/link", "in/out"));
  EXPECT_EQ(builder.link("in/link", "in/a.o").error().code(), Code::unsupported_input);
  EXPECT_TRUE(builder.hide("out/x") && builder.hide_contents("out"));
  EXPECT_EQ(paths_of(std::move(builder).finish()), "in\nin/out\n");
}

}  // namespace
}  // namespace cfs
