// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/dump_writer.hpp"

#include <gtest/gtest.h>

#include <string>

#include "cfs/base/text.hpp"
#include "cfs/input/dump_parser.hpp"
#include "unit/dump_text.hpp"

namespace cfs {
namespace {

constexpr std::string_view root = "/ 0 40755 2 0 0 0 1.5 - - -\n";
constexpr std::string_view digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

FileTree tree_of(std::string_view lines) {
  return parse_dump(cat(root, lines)).value();
}

void expect_same_text(std::string_view lines) {
  EXPECT_EQ(dump_of(tree_of(lines)), cat(root, lines));
}

TEST(DumpWriter, WritesWhatWasRead) {
  expect_same_text("/empty 0 100644 1 0 0 0 1.0 - - -\n");
  expect_same_text(
      cat("/file 100 100644 1 0 0 0 1.0 ", digest.substr(0, 2), '/', digest.substr(2), " - ", digest, '\n'));
  expect_same_text("/link 3 120777 1 0 0 0 1.0 a/b - -\n");
  expect_same_text("/device 0 60600 1 0 0 66304 1.0 - - -\n/fifo 0 10644 1 0 0 0 1.0 - - -\n");
}

TEST(DumpWriter, KeepsContentsThatNoDigestNames) {
  expect_same_text(cat("/digest-only 100 100644 1 0 0 0 1.0 - - ", digest, '\n'));
  expect_same_text(cat("/elsewhere 100 100644 1 0 0 0 1.0 a.file - ", digest, '\n'));
  expect_same_text("/nowhere 100 100644 1 0 0 0 1.0 - - -\n/unverified 100 100644 1 0 0 0 1.0 a.file - -\n");
  const std::string sha512(128, 'a');
  expect_same_text(cat("/sha512 100 100644 1 0 0 0 1.0 aa/", sha512.substr(2), " - ", sha512, '\n'));
}

TEST(DumpWriter, EscapesBytes) {
  expect_same_text("/\\x01\\xff\\x20\\n\\r\\t\\\\=- 1 100644 1 0 0 0 1.0 - \\x2d - user.\\x3d=\\x3d\\x00\n");
}

TEST(DumpWriter, WritesDirectoriesBeforeWhatTheyHold) {
  EXPECT_EQ(dump_of(tree_of("/b 0 100644 1 0 0 0 1.0 - - -\n/a 0 40755 2 0 0 0 1.0 - - -\n"
                            "/a/x 0 100644 1 0 0 0 1.0 - - -")),
            "/ 0 40755 3 0 0 0 1.5 - - -\n/a 0 40755 2 0 0 0 1.0 - - -\n/a/x 0 100644 1 0 0 0 1.0 - - -\n"
            "/b 0 100644 1 0 0 0 1.0 - - -\n");
}

TEST(DumpWriter, NamesTheFirstOfHardLinks) {
  EXPECT_EQ(dump_of(tree_of("/b 0 @0 0 0 0 0 0.0 /c - -\n/c 1 100644 2 0 0 0 1.0 - x -\n")),
            cat(root, "/b 1 100644 2 0 0 0 1.0 - x -\n/c 1 @100644 2 0 0 0 1.0 /b x -\n"));
}

TEST(DumpWriter, StopsWhereTheSinkFails) {
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
