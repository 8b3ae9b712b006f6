// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/erofs_layout.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "cfs/base/text.hpp"
#include "cfs/input/dump_parser.hpp"

namespace cfs::erofs {
namespace {

FileTree tree_of(std::string_view lines) {
  return parse_dump(cat("/ 0 40755 2 0 0 0 1.0 - - -\n", lines)).value();
}

// A root directory with one entry.
FileTree tree_with(std::string name, mode_t mode, decltype(Inode::content) content) {
  FileTree tree;
  tree.inodes.resize(2);
  tree.inodes[0].mode = S_IFDIR | 0755;
  tree.inodes[0].content = Directory{{std::move(name), 1}};
  tree.inodes[1].mode = mode;
  tree.inodes[1].content = std::move(content);
  return tree;
}

std::string refused(const FileTree& tree) {
  const auto layout = lay_out(tree);
  EXPECT_FALSE(layout.has_value());
  EXPECT_TRUE(layout || layout.error().code() == Code::unsupported_input);
  return layout ? "" : layout.error().what();
}

std::string file_of(std::size_t size) {
  return cat("/f ", size, " 100644 1 0 0 0 1.0 - ", std::string(size, 'f'), " -\n");
}

TEST(ErofsLayout, PutsInodesBreadthFirst) {
  const FileTree tree = tree_of(
      "/d 0 40755 2 0 0 0 1.0 - - -\n/d/inner 0 100644 1 0 0 0 1.0 - - -\n/e 0 100644 1 0 0 0 1.0 - - -\n");
  const auto layout = lay_out(tree).value();
  EXPECT_EQ(layout.order, (std::vector<InodeId>{0, 1, 3, 2}));
  std::uint64_t end = 1152;
  for (std::uint32_t number = 0; number < 4; ++number) {
    const Placement& placement = layout.placements[layout.order[number]];
    EXPECT_EQ(placement.number, number);
    EXPECT_EQ(placement.position, round_up(end, 32));
    end = placement.position + placement.inode_size() + placement.xattrs + placement.tail;
  }
  EXPECT_EQ(layout.placements[2].parent, 1U);
  EXPECT_EQ(layout.inodes_end, round_up(end, 32));
  EXPECT_EQ(layout.data_start, 4096U);
  EXPECT_EQ(layout.data_blocks, 0U);
}

TEST(ErofsLayout, CountsLinks) {
  const FileTree tree = tree_of(
      "/a 0 40755 9 0 0 0 1.0 - - -\n/b 1 100644 1 0 0 0 1.0 - x -\n/c 1 @100644 1 0 0 0 1.0 /b x -\n"
      "/d 1 100644 7 0 0 0 1.0 - x -\n");
  const auto layout = lay_out(tree).value();
  EXPECT_EQ(layout.placements[0].links, 3U);
  EXPECT_EQ(layout.placements[1].links, 2U);  // a directory's is never what the tree says
  EXPECT_EQ(layout.placements[2].links, 1U);  // as the tree says, though it has two names
  EXPECT_EQ(layout.placements[3].links, 7U);
}

TEST(ErofsLayout, MakesInodesCompactWhereTheValuesFit) {
  const FileTree tree = tree_of(
      "/fits 0 100644 1 65535 65535 0 1.0 - - -\n/gid 0 100644 1 0 65536 0 1.0 - - -\n"
      "/links 0 100644 65536 0 0 0 1.0 - - -\n/size 4294967296 100644 1 0 0 0 1.0 - - -\n"
      "/time 0 100644 1 0 0 0 1.1 - - -\n/uid 0 100644 1 65536 0 0 1.0 - - -\n");
  const auto layout = lay_out(tree).value();
  EXPECT_EQ(layout.oldest_sec, 1);
  EXPECT_EQ(layout.oldest_nsec, 0U);
  for (std::size_t id = 0; id < tree.inodes.size(); ++id) {
    EXPECT_EQ(layout.placements[id].compact, id < 2) << id;
  }
}

TEST(ErofsLayout, KeepsTailsUpToHalfABlock) {
  const FileTree fits = tree_of(file_of(2048));
  EXPECT_EQ(lay_out(fits).value().placements[1].tail, 2048U);
  EXPECT_EQ(lay_out(fits).value().placements[1].blocks, 0U);
  const FileTree larger = tree_of(file_of(2049));
  EXPECT_EQ(lay_out(larger).value().placements[1].tail, 0U);
  EXPECT_EQ(lay_out(larger).value().placements[1].blocks, 1U);
  EXPECT_EQ(lay_out(larger).value().data_blocks, 1U);
  const FileTree both = tree_of(file_of(4097));
  const auto layout = lay_out(both).value();
  EXPECT_EQ(layout.placements[1].tail, 1U);
  EXPECT_EQ(layout.placements[1].blocks, 1U);
  EXPECT_EQ(size_of(both.inodes[1], layout.placements[1]), 4097U);
}

TEST(ErofsLayout, LetsNoTailCrossTheBoundaryOfABlock) {
  std::string lines;
  for (std::size_t i = 100; i < 400; ++i) {
    const std::size_t size = i * 7 % 2048 + 1;
    lines += cat("/f", i, ' ', size, " 100644 1 0 0 0 1.0 - ", std::string(size, 'f'), " -\n");
    lines += cat("/l", i, " 0 120777 1 0 0 0 1.0 ", std::string(size, 'l'), " - -\n");
  }
  const FileTree tree = tree_of(lines);
  const auto layout = lay_out(tree).value();
  for (std::size_t id = 1; id < tree.inodes.size(); ++id) {
    const Placement& placement = layout.placements[id];
    const std::uint64_t tail = placement.position + placement.inode_size() + placement.xattrs;
    EXPECT_EQ(tail / block_size, (tail + placement.tail - 1) / block_size) << id;
    if (tree.inodes[id].is(S_IFLNK)) {
      EXPECT_EQ(placement.position / block_size, tail / block_size) << id;
    }
  }
}

TEST(ErofsLayout, GivesALongLinkABlock) {
  const FileTree tree = tree_of(cat("/l 0 120777 1 0 0 0 1.0 ", std::string(4064, 't'), " - -\n"));
  const Placement placement = lay_out(tree).value().placements[1];
  EXPECT_EQ(placement.position, 4096U);
  EXPECT_EQ(placement.tail, 0U);
  EXPECT_EQ(placement.blocks, 1U);
}

TEST(ErofsLayout, ExpressesSizesByFewChunks) {
  const auto same = [](Chunks chunks, unsigned bits, std::uint64_t count) {
    return chunks.bits == bits && chunks.count == count;
  };
  EXPECT_TRUE(same(chunks_of(1), 12, 1));
  EXPECT_TRUE(same(chunks_of(4096), 12, 1));
  EXPECT_TRUE(same(chunks_of(4097), 13, 1));
  EXPECT_TRUE(same(chunks_of(1ULL << 43), 43, 1));
  EXPECT_TRUE(same(chunks_of((1ULL << 43) + 1), 43, 2));
}

TEST(ErofsLayout, ListsDotsInTheirPlace) {
  const FileTree tree = tree_of("/! 0 100644 1 0 0 0 1.0 - - -\n/a 0 100644 1 0 0 0 1.0 - - -\n");
  const auto entries = dirents(tree, 0, 5);
  ASSERT_EQ(entries.size(), 4U);
  EXPECT_EQ(entries[0].name, "!");
  EXPECT_EQ(entries[1].name, ".");
  EXPECT_EQ(entries[1].inode, 0U);
  EXPECT_EQ(entries[2].name, "..");
  EXPECT_EQ(entries[2].inode, 5U);
  EXPECT_EQ(entries[3].name, "a");
}

TEST(ErofsLayout, FillsBlocksOfADirectory) {
  const std::string name(256 - 12, 'n');  // 16 of these entries are a block
  const std::vector<Dirent> entries(17, Dirent{name, 1});
  const auto one = split_into_blocks(std::span(entries).first(16));
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].bytes, 4096U);
  const auto two = split_into_blocks(entries);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].entries.size(), 16U);
  EXPECT_EQ(two[1].entries.size(), 1U);
  EXPECT_EQ(two[1].bytes, 256U);
}

TEST(ErofsLayout, RefusesWhatAnImageCannotHold) {
  refused(tree_with(std::string(256, 'n'), S_IFREG, {}));
  refused(tree_with("", S_IFREG, {}));
  refused(tree_with("link", S_IFLNK, std::string(4096, 't')));
  refused(tree_with("link", S_IFLNK, {}));
  refused(tree_with("dir", S_IFDIR, {}));
  refused(tree_with("huge", S_IFREG, ExternalFile{Digest(), (1ULL << 53) + 1}));
  EXPECT_EQ(refused(tree_with("nothing", 0, {})), "nothing: its contents cannot be represented in an image");
}

TEST(ErofsLayout, RefusesTooManyAttributes) {
  FileTree tree = tree_with("file", S_IFREG, {});
  set_xattr(tree, tree.inodes[1], "user.a", std::string(40000, 'a'));
  EXPECT_TRUE(lay_out(tree).has_value());
  set_xattr(tree, tree.inodes[1], "user.b", std::string(40000, 'b'));
  EXPECT_EQ(refused(tree), "file: it has more extended attributes than an image can hold");
}

TEST(ErofsLayout, RefusesADirectoryWithTwoNames) {
  FileTree tree = tree_with("a", S_IFDIR, Directory{});
  std::get<Directory>(tree.inodes[0].content).push_back({"b", 1});
  EXPECT_EQ(refused(tree), "b: a directory with two names");
  EXPECT_EQ(refused(tree_with("a", S_IFDIR, Directory{{"self", 1}})), "self: a directory with two names");
}

}  // namespace
}  // namespace cfs::erofs
