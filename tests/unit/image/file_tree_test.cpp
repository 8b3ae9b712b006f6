// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/file_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace cfs {
namespace {

TEST(FileTree, KeepsEqualAttributesOnce) {
  FileTree tree;
  const Xattr* first = tree.intern("user.a", "1");
  EXPECT_EQ(tree.intern("user.a", "1"), first);
  EXPECT_NE(tree.intern("user.a", "2"), first);
  EXPECT_EQ(tree.xattrs.size(), 2U);
}

TEST(FileTree, AttributesStayWhereTheyAreWhenTheTreeMoves) {
  FileTree tree;
  const Xattr* xattr = tree.intern("user.a", std::string("a\0b", 3));
  const FileTree moved = std::move(tree);
  EXPECT_EQ(&*moved.xattrs.begin(), xattr);
  EXPECT_EQ(xattr->value.size(), 3U);
}

TEST(FileTree, SetsAnAttributeInPlaceOfTheOldOne) {
  FileTree tree;
  Inode& inode = tree.inodes.emplace_back();
  set_xattr(tree, inode, "user.a", "1");
  set_xattr(tree, inode, "user.b", "1");
  set_xattr(tree, inode, "user.a", "2");
  ASSERT_EQ(inode.xattrs.size(), 2U);
  EXPECT_EQ(inode.xattrs[0]->value, "2");
}

TEST(FileTree, KnowsWhiteouts) {
  Inode inode;
  inode.mode = S_IFCHR | 0644;
  EXPECT_TRUE(inode.is_whiteout());
  inode.rdev = 1;
  EXPECT_FALSE(inode.is_whiteout());
  inode.rdev = 0;
  inode.mode = S_IFBLK | 0644;
  EXPECT_FALSE(inode.is_whiteout());
}

}  // namespace
}  // namespace cfs
