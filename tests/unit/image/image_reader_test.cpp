// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/image_reader.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <random>
#include <tuple>

#include "cfs/base/text.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/input/dump_parser.hpp"
#include "unit/dump_text.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

std::string image_of(std::string_view dump, std::optional<ImageFormat> format = std::nullopt) {
  return erofs_image(parse_dump(dump).value(), format).value();
}

std::string golden(std::string_view name) {
  return read_bytes(cat(CFS_TEST_DATA, "/../golden/compose/", name, ".dump"));
}

std::string small_image() {
  return image_of(
      "/ 0 40755 2 0 0 0 1.0 - - -\n/dir 0 40755 2 0 0 0 1.0 - - -\n"
      "/dir/file 5 100644 1 0 0 0 1.0 - hello - user.a=b\n/link 3 120777 1 0 0 0 2.0 dir - -\n"
      "/out 100 100644 1 0 0 0 1.0 aa/bb - -\n");
}

void put(std::string& image, std::size_t at, std::initializer_list<int> bytes) {
  for (const int byte : bytes) {
    image.at(at++) = static_cast<char>(byte);
  }
}

// The byte offset of the inode that a directory entry of this name leads to.
std::size_t inode_of(const std::string& image, std::string_view names, std::size_t record) {
  const std::size_t records = image.rfind(names) - 12 * (record + 1);
  return 32 * (static_cast<unsigned char>(image.at(records)) +
               std::size_t{256} * static_cast<unsigned char>(image.at(records + 1)));
}

std::string refused(const std::string& image) {
  const auto read = read_image(image);
  EXPECT_FALSE(read.has_value());
  EXPECT_TRUE(read || read.error().code() == Code::image_malformed);
  return read ? "" : read.error().what();
}

class RoundTrip : public ::testing::TestWithParam<std::tuple<const char*, ImageFormat>> {};

TEST_P(RoundTrip, GivesTheImageAgain) {
  const auto& [name, format] = GetParam();
  const std::string image = image_of(golden(name), format);
  auto read = read_image(image);
  ASSERT_TRUE(read.has_value()) << read.error().line();
  EXPECT_EQ(read->format, static_cast<unsigned>(format));
  const std::string dump = dump_of(read->tree);
  EXPECT_TRUE(erofs_image(std::move(read->tree), format) == image);
  EXPECT_TRUE(image_of(dump, format) == image);
}

INSTANTIATE_TEST_SUITE_P(ImageReader, RoundTrip,
                         ::testing::Combine(::testing::Values("empty", "kinds", "large", "whiteouts"),
                                            ::testing::Values(ImageFormat::v0, ImageFormat::v1)));

TEST(ImageReader, ShowsTheTreeThatPeopleSee) {
  const auto read =
      read_image(image_of("/ 0 40755 2 0 0 0 1.0 - - - user.a=b\n/gone 0 20000 1 0 0 0 1.0 - - -\n"
                          "/x 0 100644 1 0 0 0 1.0 - - - trusted.overlay.metacopy=\n"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(dump_of(read->tree),
            "/ 0 40755 2 0 0 0 1.0 - - - user.a=b\n/gone 0 20000 1 0 0 0 1.0 - - -\n"
            "/x 0 100644 1 0 0 0 1.0 - - - trusted.overlay.metacopy=\n");
}

// Format 2 differs for a reader in that nothing hides the directories of objects, and in the header.
TEST(ImageReader, ReadsFormatTwo) {
  std::string image = small_image();
  image[12] = 2;
  const auto read = read_image(image);
  ASSERT_TRUE(read.has_value()) << read.error().line();
  EXPECT_EQ(read->format, 2U);
  EXPECT_EQ(std::get<Directory>(read->tree.inodes[0].content).size(), 3U + 256U);
}

TEST(ImageReader, LoadsAFileWithItsDigest) {
  const TempDirectory directory;
  const std::string image = small_image();
  directory.write("image", image);
  const auto file = load_image(directory.path("image"));
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->digest, compute_verity(image).value());
  EXPECT_EQ(file->size, image.size());
  EXPECT_EQ(load_image(directory.path("none")).error().code(), Code::not_found);
}

TEST(ImageReader, RefusesWhatIsNoImage) {
  refused("");
  refused(std::string(1151, '\0'));
  refused(std::string(8192, '\0'));
  for (const std::size_t at : {0U, 4U, 13U, 1024U, 1036U, 1037U, 1104U, 1114U, 1115U}) {
    std::string image = small_image();
    image[at] = static_cast<char>(image[at] ^ 0x40);
    EXPECT_NE(refused(image), "") << at;
  }
}

TEST(ImageReader, RefusesEveryShorterImage) {
  const std::string image = small_image();
  for (std::size_t size = image.size() - 4096; size > 0; size -= std::min<std::size_t>(size, 97)) {
    refused(image.substr(0, size));
  }
}

TEST(ImageReader, RefusesADirectoryInItself) {
  std::string image = small_image();
  const std::size_t names = image.find("...file");
  ASSERT_NE(names, std::string::npos);
  put(image, names - 12, {image[1024 + 14], image[1024 + 15], 0, 0, 0, 0, 0, 0});  // "file" is the root
  put(image, names - 2, {2});
  EXPECT_EQ(refused(image), "/dir/file: a directory with two names, or a file of two types");
}

TEST(ImageReader, RefusesDotsThatLeadElsewhere) {
  std::string image = small_image();
  const std::size_t names = image.find("...file");
  put(image, names - 24, {1});
  EXPECT_EQ(refused(image), "/dir: its \".\" or \"..\" leads to another place");
  image = small_image();
  put(image, names, {'-'});
  EXPECT_EQ(refused(image), "/dir/-: a directory with two names, or a file of two types");
}

TEST(ImageReader, RefusesNamesThatAreNone) {
  const std::size_t names = small_image().find("...file");
  for (const auto& name : {"a/bc", "\0abc", "-abc"}) {  // the last is not in order
    std::string image = small_image();
    image.replace(names + 3, 4, name, 4);
    EXPECT_NE(refused(image).find("a name"), std::string::npos) << name;
  }
}

TEST(ImageReader, RefusesAnotherTypeThanTheDirectorySays) {
  std::string image = small_image();
  put(image, image.find("...file") - 2, {7});
  EXPECT_EQ(refused(image), "/dir/file: its directory says that it is of another type");
}

TEST(ImageReader, RefusesLiesAboutAFile) {
  const std::string good = small_image();
  const std::size_t file = inode_of(good, "...file", 0);
  const std::array<std::pair<std::size_t, int>, 6> lies{
      {{0, 0x11},      // a reserved bit of the format
       {2, 0xFF},      // attributes past their end
       {5, 0xF0},      // no type
       {6, 0},         // no links
       {9, 0xFF},      // larger than its block
       {32 + 4, 5}}};  // more shared attributes than there are
  for (const auto& [at, value] : lies) {
    std::string image = good;
    put(image, file + at, {value});
    EXPECT_NE(refused(image), "") << at;
  }
}

TEST(ImageReader, RefusesTheSameBytesUsedAgainAndAgain) {
  // Many links of 4000 bytes, all with their targets in the same block.
  std::string dump = "/ 0 40755 2 0 0 0 1.0 - - -\n";
  for (int i = 100; i < 200; ++i) {
    dump += cat("/l", i, " 0 120777 1 0 0 0 1.0 ", std::string(4070, 't'), " - -\n");
  }
  std::string image = image_of(dump);
  ASSERT_TRUE(read_image(image).has_value());
  image.resize(image.size() - 90UL * 4096);  // where most targets are
  refused(image);
}

// Whatever is flipped, reading ends with a tree or a refusal, and the tree can be written.
TEST(ImageReader, SurvivesFlippedBits) {
  const std::string good = image_of(golden("kinds"));
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same flips on every run
  for (int i = 0; i < 2000; ++i) {
    std::string image = good;
    const int flips = 1 + static_cast<int>(random() % 3);
    for (int flip = 0; flip < flips; ++flip) {
      auto& byte = image[1024 + random() % (image.size() - 1024)];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
    }
    const auto read = read_image(image);
    if (read) {
      dump_of(read->tree);
    } else {
      EXPECT_EQ(read.error().code(), Code::image_malformed);
    }
  }
}

}  // namespace
}  // namespace cfs
