// SPDX-License-Identifier: Apache-2.0
#include "oracle.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vm/workshop.hpp"

namespace cfs::test {

namespace {

using Words = std::vector<std::string>;

struct Format {
  const char* name;
  Words ours;
  Words theirs;
};

Words join(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

void expect_equal_images(const std::filesystem::path& tree, const std::filesystem::path& scratch) {
  const Workshop workshop(scratch);
  const auto expected = workshop / "expected";
  for (const Format& format : {Format{"the format they choose", {}, {}},
                               Format{"V0", {"--format", "v0"}, {"--min-version=0", "--max-version=0"}},
                               Format{"V1", {"--format", "v1"}, {"--min-version=1", "--max-version=1"}}}) {
    SCOPED_TRACE(format.name);
    must(join(join({mkcomposefs()}, format.theirs), {tree, expected}));
    const std::string digest = cfs_sign(join({"compose", "--store", workshop / "store", tree}, format.ours));
    EXPECT_EQ(digest, verity_digest(expected));
    const auto object = std::filesystem::path(object_path(digest)).lexically_relative("composefs");
    EXPECT_TRUE(read_bytes(workshop / "store" / object) == read_bytes(expected)) << "different bytes";
    write(workshop / "dump", cfs_sign({"inspect", expected}));
    EXPECT_EQ(cfs_sign(join({"compose", "--digest-only", "--from-dump", workshop / "dump"}, format.ours)),
              digest);
  }
}

}  // namespace cfs::test
