// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/erofs_reader.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string>

#include "cfs/base/text.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/input/dump_parser.hpp"

namespace cfs::erofs {
namespace {

constexpr std::string_view root_line = "/ 0 40755 2 0 0 0 1.0 - - -\n";

// An image of a root directory with these entries, and its reader.
class ErofsReader : public ::testing::Test {
 protected:
  Reader& open(std::string_view lines, ImageFormat format = ImageFormat::v0) {
    image_ = erofs_image(parse_dump(cat(root_line, lines)).value(), format).value();
    reader_.emplace(Reader::open(image_, tree_).value());
    return *reader_;
  }

  // The inode of an entry of the root.
  RawInode named(std::string_view name) {
    Reader scout = Reader::open(image_, tree_).value();
    const auto entries = scout.dirents(scout.inode(scout.root_nid()).value()).value();
    const auto entry = std::ranges::find(entries, name, &RawDirent::name);
    EXPECT_NE(entry, entries.end()) << name;
    return scout.inode(entry->nid).value();
  }

  std::string image_;
  FileTree tree_;
  std::optional<Reader> reader_;
};

template <class T>
std::string refused(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  EXPECT_TRUE(result || result.error().code() == Code::image_malformed);
  return result ? "" : result.error().what();
}

TEST_F(ErofsReader, ReadsHeaders) {
  EXPECT_EQ(open("").format(), 0U);
  const Reader& reader = open("", ImageFormat::v1);
  EXPECT_EQ(reader.format(), 1U);
  EXPECT_TRUE(reader.inode(reader.root_nid()).value().inode.is(S_IFDIR));
}

TEST_F(ErofsReader, RefusesOtherHeaders) {
  open("");
  EXPECT_EQ(refused(Reader::open(std::string_view(image_).substr(0, 1151), tree_)),
            "something lies past the end of the image");
  std::string other = image_;
  other[0] = 0;
  EXPECT_EQ(refused(Reader::open(other, tree_)), "it has no composefs header");
  other = image_;
  other[12] = 3;
  EXPECT_EQ(refused(Reader::open(other, tree_)), "its format is 3, and the newest known is 2");
  other = image_;
  other[1024 + 80] = 1;  // feature_incompat
  EXPECT_EQ(refused(Reader::open(other, tree_)), "its EROFS superblock is not as composefs writes it");
}

TEST_F(ErofsReader, ReadsEveryFieldOfAnInode) {
  open("/c 5 100640 1 7 8 0 1.0 - hello -\n/d 0 60600 3 70000 8 66304 2.5 - - -\n");
  const RawInode compact = named("c");
  EXPECT_EQ(compact.inode.mode, static_cast<mode_t>(S_IFREG | 0640));
  EXPECT_EQ(compact.inode.uid, 7U);
  EXPECT_EQ(compact.inode.gid, 8U);
  EXPECT_EQ(compact.inode.mtime_sec, 1);  // the image's
  EXPECT_EQ(compact.size, 5U);
  EXPECT_EQ(compact.layout, Layout::flat_inline);
  const RawInode extended = named("d");
  EXPECT_EQ(extended.inode.uid, 70000U);
  EXPECT_EQ(extended.inode.rdev, 66304U);
  EXPECT_EQ(extended.inode.mtime_sec, 2);
  EXPECT_EQ(extended.inode.mtime_nsec, 5U);
  EXPECT_EQ(extended.links, 3U);
}

TEST_F(ErofsReader, RefusesAnInodePastTheEnd) {
  const Reader& reader = open("");
  // The last would be the root's again if 32 times it were allowed to overflow.
  for (const std::uint64_t nid :
       {image_.size() / 32, ~std::uint64_t{0}, (std::uint64_t{1} << 59) + reader.root_nid()}) {
    EXPECT_NE(refused(reader.inode(nid)).find("past the end of the image"), std::string::npos) << nid;
  }
}

TEST_F(ErofsReader, GivesBlocksAndTail) {
  const std::string content = cat(std::string(4096, 'b'), "tail");
  Reader& reader = open(cat("/f 4100 100644 1 0 0 0 1.0 - ", content, " -\n"));
  const auto data = reader.data(named("f"));
  ASSERT_TRUE(data.has_value());
  EXPECT_EQ(data->at(0), content.substr(0, 4096));
  EXPECT_EQ(data->at(1), "tail");
}

TEST_F(ErofsReader, RefusesDataThatIsNotThere) {
  Reader& reader = open("/f 5 100644 1 0 0 0 1.0 - hello -\n");
  RawInode file = named("f");
  file.size = image_.size() + 1;
  EXPECT_EQ(refused(reader.data(file)), "it is larger than the image");
  file.size = 4095;
  EXPECT_EQ(refused(reader.data(file)), "the end of its data crosses the boundary of a block");
  file.size = 4096;
  file.detail = 1000;
  EXPECT_EQ(refused(reader.data(file)), "something lies past the end of the image");
  file.layout = Layout::chunk_based;
  EXPECT_EQ(refused(reader.data(file)), "its data lies in a form that composefs does not use");
}

TEST_F(ErofsReader, GivesNoMoreBytesThanThereAre) {
  Reader& reader = open("/f 5 100644 1 0 0 0 1.0 - hello -\n");
  const RawInode file = named("f");
  for (std::size_t given = 5; given <= image_.size(); given += 5) {
    ASSERT_TRUE(reader.data(file).has_value()) << given;
  }
  EXPECT_EQ(refused(reader.data(file)), "the same bytes are used more than once");
}

TEST_F(ErofsReader, ListsADirectoryInOrder) {
  std::string lines;
  for (int i = 100; i < 300; ++i) {  // more than a block
    lines += cat("/", std::string(100, 'n'), i, " 0 120777 1 0 0 0 1.0 target - -\n");
  }
  Reader& reader = open(lines);
  const auto entries = reader.dirents(reader.inode(reader.root_nid()).value());
  ASSERT_TRUE(entries.has_value());
  EXPECT_EQ(entries->size(), 2U + 256U + 200U);  // with those that hide the directories of objects
  EXPECT_TRUE(std::ranges::is_sorted(*entries, {}, &RawDirent::name));
  EXPECT_EQ(entries->front().name, ".");
  EXPECT_EQ(entries->front().nid, reader.root_nid());
  EXPECT_EQ(entries->back().name, cat(std::string(100, 'n'), 299));
  EXPECT_EQ(entries->back().type, FileType::link);
}

TEST_F(ErofsReader, RefusesDirectoriesThatTheKernelWouldMisread) {
  Reader& reader = open("/f 24 100644 1 0 0 0 1.0 - 123456781234567812345678 -\n");
  const std::size_t at = image_.find("123456781234567812345678");
  const RawInode file = named("f");
  const auto refused_with = [&](std::string_view bytes) {
    image_.replace(at, bytes.size(), bytes);
    return refused(reader.dirents(file));
  };
  EXPECT_EQ(refused_with(std::string(24, '\0')), "the names of a directory begin in the wrong place");
  EXPECT_EQ(refused_with(std::string(8, '\0') + '\x0d'), "the names of a directory begin in the wrong place");
  EXPECT_EQ(refused_with(std::string(8, '\0') + '\x18'), "the names of a directory begin in the wrong place");
  EXPECT_EQ(refused_with(std::string(8, '\0') + '\x0c'), "a name in a directory is invalid");
  EXPECT_EQ(refused_with(cat(std::string(8, '\0'), "\x0c", std::string(3, '\0'), "sub/dir")),
            "a name in a directory is invalid");
}

TEST_F(ErofsReader, GivesAttributesByName) {
  Reader& reader = open(
      "/a 0 100644 1 0 0 0 1.0 - - - user.z=own user.both=1\n"
      "/b 0 100644 1 0 0 0 1.0 - - - user.both=1\n/c 0 100644 1 0 0 0 1.0 - - -\n");
  const auto a = reader.xattrs(named("a")).value();
  const auto b = reader.xattrs(named("b")).value();
  ASSERT_EQ(a.size(), 2U);
  EXPECT_EQ(*a[0], (Xattr{"user.both", "1"}));
  EXPECT_EQ(*a[1], (Xattr{"user.z", "own"}));
  ASSERT_EQ(b.size(), 1U);
  EXPECT_EQ(b[0], a[0]);  // kept once
  EXPECT_TRUE(reader.xattrs(named("c")).value().empty());
}

TEST_F(ErofsReader, RefusesAttributesThatAreCutShort) {
  Reader& reader = open("/a 0 100644 1 0 0 0 1.0 - - - user.z=own\n");
  RawInode file = named("a");
  file.xattrs_size -= 4;
  EXPECT_EQ(refused(reader.xattrs(file)), "an extended attribute is cut short");
  file.xattrs_size = image_.size();
  EXPECT_EQ(refused(reader.xattrs(file)), "something lies past the end of the image");
}

TEST_F(ErofsReader, ChecksThatAllChunksAreHoles) {
  Reader& reader = open("/out 100 100644 1 0 0 0 1.0 aa/bb - -\n");
  RawInode file = named("out");
  EXPECT_TRUE(reader.check_chunks(file).has_value());
  image_[file.tail_at()] = 1;
  EXPECT_EQ(refused(reader.check_chunks(file)), "it has data in the image and in an object");
  file.detail = 32;
  EXPECT_EQ(refused(reader.check_chunks(file)), "its chunks are not those of composefs");
}

}  // namespace
}  // namespace cfs::erofs
