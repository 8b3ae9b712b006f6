// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/overlay_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>

namespace cfs {
namespace {

// "/" with the directory "dir", which holds a whiteout "gone" or a device 1:3.
FileTree tree_with_device(std::uint32_t rdev) {
  FileTree tree;
  tree.inodes.resize(3);
  tree.inodes[0].mode = tree.inodes[1].mode = S_IFDIR | 0755;
  tree.inodes[0].content = Directory{{"dir", 1}};
  tree.inodes[1].content = Directory{{"gone", 2}};
  tree.inodes[2].mode = S_IFCHR | 0600;
  tree.inodes[2].rdev = rdev;
  return tree;
}

std::optional<std::string> xattr(const Inode& inode, std::string_view name) {
  for (const Xattr* candidate : inode.xattrs) {
    if (candidate->name == name) {
      return candidate->value;
    }
  }
  return std::nullopt;
}

TEST(OverlayTree, AWhiteoutNeedsV1) {
  EXPECT_EQ(usual_format(tree_with_device(0x103)), ImageFormat::v0);
  EXPECT_EQ(usual_format(tree_with_device(0)), ImageFormat::v1);
}

TEST(OverlayTree, AWhiteoutBecomesAFileThatOverlayfsShowsAsOne) {
  FileTree tree = tree_with_device(0);
  make_overlay_tree(tree, ImageFormat::v1);
  EXPECT_EQ(tree.inodes[2].mode, static_cast<mode_t>(S_IFREG | 0600));
  EXPECT_EQ(xattr(tree.inodes[2], "trusted.overlay.overlay.whiteout"), "");
  EXPECT_EQ(xattr(tree.inodes[2], "user.overlay.whiteout"), "");
  EXPECT_EQ(xattr(tree.inodes[1], "trusted.overlay.overlay.whiteouts"), "");
  EXPECT_EQ(xattr(tree.inodes[1], "user.overlay.whiteouts"), "");
  EXPECT_EQ(xattr(tree.inodes[1], "trusted.overlay.overlay.opaque"), "x");
  EXPECT_EQ(xattr(tree.inodes[1], "user.overlay.opaque"), "x");
  EXPECT_EQ(xattr(tree.inodes[0], "user.overlay.whiteouts"), std::nullopt);
}

TEST(OverlayTree, OtherDevicesStay) {
  FileTree tree = tree_with_device(0x103);
  make_overlay_tree(tree, ImageFormat::v0);
  EXPECT_EQ(tree.inodes[2].mode, static_cast<mode_t>(S_IFCHR | 0600));
  EXPECT_TRUE(tree.inodes[2].xattrs.empty());
  EXPECT_TRUE(tree.inodes[1].xattrs.empty());
}

TEST(OverlayTree, EscapesAttributesOfOverlayfs) {
  FileTree tree = tree_with_device(0x103);
  set_xattr(tree, tree.inodes[1], "trusted.overlay.opaque", "y");
  set_xattr(tree, tree.inodes[1], "trusted.overlay.overlay.opaque", "z");
  set_xattr(tree, tree.inodes[1], "user.overlay.opaque", "u");
  make_overlay_tree(tree, ImageFormat::v0);
  EXPECT_EQ(xattr(tree.inodes[1], "trusted.overlay.opaque"), std::nullopt);
  EXPECT_EQ(xattr(tree.inodes[1], "trusted.overlay.overlay.opaque"), "y");
  EXPECT_EQ(xattr(tree.inodes[1], "trusted.overlay.overlay.overlay.opaque"), "z");
  EXPECT_EQ(xattr(tree.inodes[1], "user.overlay.opaque"), "u");
}

TEST(OverlayTree, CoversObjectDirectoriesLikeTheRoot) {
  FileTree tree = tree_with_device(0x103);
  std::get<Directory>(tree.inodes[0].content)
      .insert(std::get<Directory>(tree.inodes[0].content).begin(), {"7f", 2});
  tree.inodes[0].uid = 7;
  tree.inodes[0].mtime_sec = 99;
  set_xattr(tree, tree.inodes[0], "security.selinux", "root_t");
  set_xattr(tree, tree.inodes[0], "user.other", "1");
  make_overlay_tree(tree, ImageFormat::v0);
  EXPECT_EQ(xattr(tree.inodes[0], "trusted.overlay.opaque"), "y");
  const auto& entries = std::get<Directory>(tree.inodes[0].content);
  ASSERT_EQ(entries.size(), 257U);  // 00 … ff, and "dir"
  EXPECT_EQ(entries[0].name, "00");
  EXPECT_EQ(entries[0x7f].inode, 2U);  // the tree's own stays
  EXPECT_EQ(entries[0xde].name, "de");
  EXPECT_EQ(entries[0xdf].name, "df");
  EXPECT_EQ(entries[0xe0].name, "dir");
  const Inode& stub = tree.inodes[entries[0].inode];
  EXPECT_TRUE(stub.is_whiteout());
  EXPECT_EQ(stub.mode, static_cast<mode_t>(S_IFCHR | 0644));
  EXPECT_EQ(stub.uid, 7U);
  EXPECT_EQ(stub.mtime_sec, 99);
  ASSERT_EQ(stub.xattrs.size(), 1U);
  EXPECT_EQ(stub.xattrs[0]->value, "root_t");
}

}  // namespace
}  // namespace cfs
