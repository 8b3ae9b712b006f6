#include "cfs/dump.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "cfs/text.hpp"
#include "temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::string_view root = "/ 0 40755 2 0 0 0 1.5 - - -\n";
constexpr std::string_view digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

FileTree tree_of(std::string_view lines) {
  auto tree = parse_dump(cat(root, lines));
  EXPECT_TRUE(tree.has_value()) << (tree ? "" : tree.error().line());
  return tree ? std::move(*tree) : FileTree();
}

std::string dump_of(const FileTree& tree) {
  std::string out;
  EXPECT_TRUE(write_dump(tree, [&](std::string_view text) {
    out += text;
    return Result<>();
  }));
  return out;
}

std::string refused(std::string_view lines) {
  const auto tree = parse_dump(lines);
  EXPECT_FALSE(tree.has_value()) << lines;
  return tree ? "" : cat(name(tree.error().code()), ": ", tree.error().what());
}

void expect_same_text(std::string_view lines) {
  EXPECT_EQ(dump_of(tree_of(lines)), cat(root, lines));
}

TEST(Dump, KeepsEveryField) {
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

TEST(Dump, WritesWhatItRead) {
  expect_same_text("/empty 0 100644 1 0 0 0 1.0 - - -\n");
  expect_same_text(
      cat("/file 100 100644 1 0 0 0 1.0 ", digest.substr(0, 2), '/', digest.substr(2), " - ", digest, '\n'));
  expect_same_text("/link 3 120777 1 0 0 0 1.0 a/b - -\n");
  expect_same_text("/device 0 60600 1 0 0 66304 1.0 - - -\n/fifo 0 10644 1 0 0 0 1.0 - - -\n");
}

TEST(Dump, KeepsContentsThatNoDigestNames) {
  expect_same_text(cat("/digest-only 100 100644 1 0 0 0 1.0 - - ", digest, '\n'));
  expect_same_text(cat("/elsewhere 100 100644 1 0 0 0 1.0 a.file - ", digest, '\n'));
  expect_same_text("/nowhere 100 100644 1 0 0 0 1.0 - - -\n/unverified 100 100644 1 0 0 0 1.0 a.file - -\n");
  const std::string sha512(128, 'a');
  expect_same_text(cat("/sha512 100 100644 1 0 0 0 1.0 aa/", sha512.substr(2), " - ", sha512, '\n'));
}

TEST(Dump, EscapesBytes) {
  expect_same_text("/\\x01\\xff\\x20\\n\\r\\t\\\\=- 1 100644 1 0 0 0 1.0 - \\x2d - user.\\x3d=\\x3d\\x00\n");
  const FileTree tree = tree_of("/a\\x20b\\\\\\n 0 100644 1 0 0 0 1.0\n");
  EXPECT_EQ(std::get<Directory>(tree.inodes[0].content).at(0).name, "a b\\\n");
}

TEST(Dump, SortsNamesAndTakesAnyOrder) {
  EXPECT_EQ(dump_of(tree_of("/b 0 100644 1 0 0 0 1.0 - - -\n/a 0 40755 2 0 0 0 1.0 - - -\n"
                            "/a/x 0 100644 1 0 0 0 1.0 - - -")),
            "/ 0 40755 3 0 0 0 1.5 - - -\n/a 0 40755 2 0 0 0 1.0 - - -\n/a/x 0 100644 1 0 0 0 1.0 - - -\n"
            "/b 0 100644 1 0 0 0 1.0 - - -\n");
}

TEST(Dump, JoinsHardLinks) {
  const FileTree tree = tree_of("/b 0 @0 0 0 0 0 0.0 /c - -\n/c 1 100644 2 0 0 0 1.0 - x -\n");
  ASSERT_EQ(tree.inodes.size(), 2U);
  EXPECT_EQ(tree.inodes[1].links, 0U);  // as many as it has names
  EXPECT_EQ(dump_of(tree), cat(root, "/b 1 100644 2 0 0 0 1.0 - x -\n/c 1 @100644 2 0 0 0 1.0 /b x -\n"));
}

TEST(Dump, NamesTheLineThatIsWrong) {
  EXPECT_EQ(refused(cat(root, "/a 0 100644 1 0 0 0 1.0 - - -\n/b x 100644 1 0 0 0 1.0 - - -\n")),
            "unsupported-input: line 3: /b: SIZE: \"x\" is not a number that fits");
  EXPECT_EQ(refused(""), "unsupported-input: it is empty");
}

TEST(Dump, RefusesEveryBadFile) {
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

TEST(Dump, SaysThatThereIsNoFile) {
  const TempDirectory directory;
  EXPECT_EQ(load_dump(directory.path("none")).error().code(), Code::not_found);
}

TEST(Dump, StopsWhereTheSinkFails) {
  int calls = 0;
  const auto written = write_dump(tree_of("/a 0 100644 1 0 0 0 1.0\n"), [&](std::string_view) -> Result<> {
    calls += 1;
    return fail(Code::io_error, "full");
  });
  EXPECT_EQ(written.error().code(), Code::io_error);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace cfs
