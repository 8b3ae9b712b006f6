#include "cfs/erofs_image.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cfs/dump_parser.hpp"
#include "cfs/fsverity.hpp"
#include "cfs/text.hpp"
#include "temp_directory.hpp"

namespace cfs {
namespace {

FileTree golden_tree(std::string_view name) {
  const std::string dump = read_bytes(cat(CFS_TEST_DATA, "/../golden/compose/", name, ".dump"));
  EXPECT_FALSE(dump.empty());
  return parse_dump(dump).value();
}

std::string digest_of_image(std::string_view name, std::optional<ImageFormat> format) {
  const auto image = erofs_image(golden_tree(name), format);
  EXPECT_TRUE(image.has_value());
  return compute_verity(image.value_or("")).value().hex();
}

// A root directory with one entry.
FileTree tree_with(std::string name, Inode inode) {
  FileTree tree;
  tree.inodes.resize(2);
  tree.inodes[0].mode = S_IFDIR | 0755;
  tree.inodes[0].content = Directory{{std::move(name), 1}};
  tree.inodes[1] = std::move(inode);
  return tree;
}

Inode inode_of(mode_t mode, decltype(Inode::content) content) {
  Inode inode;
  inode.mode = mode;
  inode.content = std::move(content);
  return inode;
}

Code code_for(FileTree tree) {
  const auto image = erofs_image(std::move(tree));
  return image ? Code::usage : image.error().code();
}

// Digests as mkcomposefs 1.0.8 prints them: `mkcomposefs --from-file --print-digest-only NAME.dump`, and the
// same with --min-version=1.
TEST(ErofsImage, EmptyRootIsWhatMkcomposefsWrites) {
  EXPECT_EQ(digest_of_image("empty", ImageFormat::v0),
            "8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682");
  EXPECT_EQ(digest_of_image("empty", ImageFormat::v1),
            "14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63");
}

TEST(ErofsImage, EveryKindOfFileIsWhatMkcomposefsWrites) {
  EXPECT_EQ(digest_of_image("kinds", ImageFormat::v0),
            "dc6ca3fa06d3daf3836906c385783f7c301fd996ed0fcce10d7743490e724821");
  EXPECT_EQ(digest_of_image("kinds", ImageFormat::v1),
            "39e57c8e54a1f75724f8fea0990a312514fbc8702d151bd817bfb2ec8fcad265");
}

TEST(ErofsImage, LargeDirectoriesAndLongLinksAreWhatMkcomposefsWrites) {
  EXPECT_EQ(digest_of_image("large", ImageFormat::v0),
            "483adddd5ed185a71983cec031bd4bd384cbba246d5ad1f5567d1cb24e31c52a");
  EXPECT_EQ(digest_of_image("large", ImageFormat::v1),
            "ef0541a5b4aeb364fe04093644eb1a8d6e0179c11c85616a1493501958c666b8");
}

TEST(ErofsImage, WhiteoutsRaiseTheFormatAsMkcomposefsDoes) {
  const auto* digest = "3665bb151c5cb26b9b2ee1eadd2d0d2ecd4e4c0c3d9ae62fae22e5c9591df29d";
  EXPECT_EQ(digest_of_image("whiteouts", std::nullopt), digest);
  EXPECT_EQ(digest_of_image("whiteouts", ImageFormat::v1), digest);
}

// As above, with --from-file -.
TEST(ErofsImage, FilesOverFourPebibytesAreWhatMkcomposefsWrites) {
  const auto digest = [](std::string_view xattr) {
    const auto tree = parse_dump(
        cat("/ 0 40755 2 0 0 0 0.0 - - -\n/bigfile 9000000000000000 100777 1 0 0 0 0.0 - - -", xattr, '\n'));
    return compute_verity(erofs_image(tree.value()).value()).value().hex();
  };
  EXPECT_EQ(digest(""), "160c71227628d810604ad305e5d4a912e01a5964866b9bec9f8fddc55e352bfb");
  EXPECT_EQ(digest(" user.foo="), "b8bedcd1abfc7616f0cf59526f7028baff377e9e5b8c4529c800e33dfb6858d1");
}

TEST(ErofsImage, FormatV0CanHoldWhiteoutsToo) {
  EXPECT_EQ(digest_of_image("whiteouts", ImageFormat::v0),
            "015fd1e80909671711ebb1cdbcbd875f9063a77163b2da6d7e459954c5499d0d");
}

TEST(ErofsImage, IsWholeBlocksWithBothHeaders) {
  const auto image = erofs_image(golden_tree("kinds"));
  ASSERT_TRUE(image);
  EXPECT_EQ(image->size() % 4096, 0U);
  EXPECT_EQ(image->substr(0, 4), "\x9a\x62\x78\xd0");
  EXPECT_EQ(image->at(8), 1);  // it has an ACL
  EXPECT_EQ(image->substr(1024, 4), "\xe2\xe1\xf5\xe0");
}

TEST(ErofsImage, RefusesWhatItCannotHold) {
  EXPECT_EQ(code_for(FileTree{}), Code::unsupported_input);
  EXPECT_EQ(code_for(tree_with(std::string(256, 'n'), inode_of(S_IFREG, {}))), Code::unsupported_input);
  EXPECT_EQ(code_for(tree_with("", inode_of(S_IFREG, {}))), Code::unsupported_input);
  EXPECT_EQ(code_for(tree_with("link", inode_of(S_IFLNK, std::string(4096, 't')))), Code::unsupported_input);
  EXPECT_EQ(code_for(tree_with("link", inode_of(S_IFLNK, {}))), Code::unsupported_input);
  EXPECT_EQ(code_for(tree_with("dir", inode_of(S_IFDIR, {}))), Code::unsupported_input);
  EXPECT_EQ(code_for(tree_with("nothing", inode_of(0, {}))), Code::unsupported_input);
  EXPECT_EQ(code_for(tree_with("huge", inode_of(S_IFREG, ExternalFile{Digest(), (1ULL << 53) + 1}))),
            Code::unsupported_input);
}

TEST(ErofsImage, RefusesTooManyAttributes) {
  FileTree tree = tree_with("file", inode_of(S_IFREG, {}));
  set_xattr(tree, tree.inodes[1], "user.a", std::string(40000, 'a'));
  EXPECT_TRUE(erofs_image(tree_with("file", inode_of(S_IFREG, {}))));
  set_xattr(tree, tree.inodes[1], "user.b", std::string(40000, 'b'));
  EXPECT_EQ(code_for(std::move(tree)), Code::unsupported_input);
}

TEST(ErofsImage, RefusesADirectoryWithTwoNames) {
  FileTree tree = tree_with("a", inode_of(S_IFDIR, Directory{}));
  std::get<Directory>(tree.inodes[0].content).push_back({"b", 1});
  EXPECT_EQ(code_for(std::move(tree)), Code::unsupported_input);
  FileTree cycle = tree_with("a", inode_of(S_IFDIR, Directory{{"self", 1}}));
  EXPECT_EQ(code_for(std::move(cycle)), Code::unsupported_input);
}

}  // namespace
}  // namespace cfs
