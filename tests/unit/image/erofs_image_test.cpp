// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/erofs_image.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cfs/base/text.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/input/dump_parser.hpp"
#include "unit/temp_directory.hpp"

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
  EXPECT_EQ(erofs_image(FileTree{}).error().what(), "the root is not a directory");
  FileTree tree = golden_tree("empty");
  tree.inodes.emplace_back().mode = S_IFDIR;
  std::get<Directory>(tree.inodes[0].content).push_back({"no-contents", 1});
  const auto image = erofs_image(std::move(tree));
  ASSERT_FALSE(image.has_value());
  EXPECT_EQ(image.error().code(), Code::unsupported_input);
  EXPECT_EQ(image.error().what(), "no-contents: its contents cannot be represented in an image");
}

}  // namespace
}  // namespace cfs
