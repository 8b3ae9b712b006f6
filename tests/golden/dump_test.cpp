// SPDX-License-Identifier: Apache-2.0
// Images, dumps and the differences between images, by the programs as they ship, beside mkcomposefs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <tuple>

#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* root_line = "/ 0 40755 2 0 0 0 1.0 - - -\n";

// The image of a dump whose objects, if any, lie nowhere.
std::string image_of(const Workshop& workshop, const std::string& dump) {
  write(workshop / "dump", dump);
  const auto digest = cfs_sign({"compose", "--store", workshop / "store", "--from-dump", workshop / "dump"});
  return workshop / "store" / fs::path(object_path(digest)).lexically_relative("composefs");
}

class Golden : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(Golden, DumpGivesTheImageOfMkcomposefsAndComesBack) {
  const auto& [name, version] = GetParam();
  const Workshop workshop;
  const std::string dump = std::string(CFS_SOURCE "/tests/golden/compose/") + name + ".dump";
  const std::string format = std::string("v") + version;
  must({mkcomposefs(), std::string("--min-version=") + version, std::string("--max-version=") + version,
        "--from-file", dump, workshop / "image"});
  const std::string digest = verity_digest(workshop / "image");
  EXPECT_EQ(cfs_sign({"compose", "--digest-only", "--format", format, "--from-dump", dump}), digest);
  write(workshop / "again", cfs_sign({"inspect", workshop / "image"}));
  EXPECT_EQ(cfs_sign({"compose", "--digest-only", "--format", format, "--from-dump", workshop / "again"}),
            digest);
}

INSTANTIATE_TEST_SUITE_P(Dump, Golden,
                         ::testing::Combine(::testing::Values("empty", "kinds", "large", "whiteouts"),
                                            ::testing::Values("0", "1")));

TEST(Dump, OfADebianRootGivesItsImageAgain) {
  const Workshop workshop;
  const std::string tree = must({CFS_SOURCE "/qemu/debian-root", "trixie"});
  must({mkcomposefs(), tree, workshop / "image"});
  write(workshop / "dump", cfs_sign({"inspect", workshop / "image"}));
  EXPECT_EQ(cfs_sign({"compose", "--digest-only", "--from-dump", workshop / "dump"}),
            verity_digest(workshop / "image"));
}

TEST(Dump, OfAnImageOfSha512GivesItAgain) {
  const Workshop workshop;
  make_small_root(workshop / "root", "first");
  const auto store = workshop / "store";
  const std::string digest = cfs_sign({"compose", "--hash", "sha512", "--store", store, workshop / "root"});
  ASSERT_EQ(digest.substr(0, 7), "sha512:");
  const auto image = store / "images" / digest.substr(7);
  EXPECT_THAT(cfs_sign({"inspect", "--json", image}), HasSubstr("\"digest\":\"" + digest + '"'));
  write(workshop / "dump", cfs_sign({"inspect", image}));
  EXPECT_EQ(cfs_sign({"compose", "--hash", "sha512", "--store", workshop / "store", "--from-dump",
                      workshop / "dump"}),
            digest);
  EXPECT_THAT(cfs_sign({"fsck", "--store", store, "--json"}), HasSubstr("\"images\":1,\"orphans\":0,"));
}

TEST(Dump, WithoutItsObjectsIsNotPutIntoAStore) {
  const Workshop workshop;
  write(workshop / "dump", std::string(root_line) + "/f 100 100644 1 0 0 0 1.0 aa/bb - -\n");
  const Outcome outcome =
      run({cfs_sign_program, "compose", "--store", workshop / "store", "--from-dump", workshop / "dump"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("not-found: the object aa/bb of the dump"));
  EXPECT_TRUE(fs::is_empty(workshop / "store/images"));
}

TEST(Inspect, PrintsJson) {
  const Workshop workshop;
  const auto image = image_of(workshop, std::string(root_line) +
                                            "/f\\xff 2 100644 2 0 7 0 1.5 - a\\n - user.a=b\n"
                                            "/g 0 @0 0 0 0 0 0.0 /f\\xff - -\n");
  EXPECT_THAT(cfs_sign({"inspect", "--json", image}),
              ::testing::AllOf(::testing::StartsWith("{\"format\":0,\"digest\":\"sha256:"),
                               ::testing::HasSubstr(
                                   "{\"path\":\"/f\\u00ff\",\"type\":\"file\",\"mode\":\"0644\",\"links\":2,"
                                   "\"uid\":0,\"gid\":7,\"mtime\":1,\"mtime-nsec\":5,\"size\":2,\"content\":"
                                   "\"a\\u000a\",\"xattrs\":{\"user.a\":\"b\"}},\n"
                                   "{\"path\":\"/g\",\"hard-link-to\":\"/f\\u00ff\"}\n]}")));
}

TEST(Inspect, RefusesWhatIsNoImage) {
  const Workshop workshop;
  write(workshop / "image", std::string(5000, 'x'));
  const Outcome outcome = run({cfs_sign_program, "inspect", workshop / "image"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors,
              ::testing::StartsWith("cfs-sign: image-malformed: " + (workshop / "image").string()));
}

TEST(Diff, SaysWhatChangedAndWhatToShip) {
  const Workshop workshop;
  fs::create_directories(workshop / "store/objects/aa");
  write(workshop / "store/objects/aa/new", "new");
  const auto before = image_of(
      workshop, std::string(root_line) + "/f 1 100644 1 0 0 0 1.0 - a -\n/old 0 100644 1 0 0 0 1.0\n");
  const auto after =
      image_of(workshop, std::string(root_line) +
                             "/f 1 100755 1 0 0 0 1.0 - b -\n/new 100 100644 1 0 0 0 1.0 aa/new -\n");
  const std::string size = std::to_string(fs::file_size(after));
  EXPECT_EQ(cfs_sign({"diff", before, after}),
            "changed  /f: content, mode\nadded    /new\nremoved  /old\nfetch    aa/new: 100 bytes\n"
            "1 added, 1 removed, 1 changed; to ship: " +
                std::to_string(fs::file_size(after) + 100) + " bytes, " + size +
                " of the image and the rest in 1 objects");
  EXPECT_EQ(cfs_sign({"diff", before, before}),
            "0 added, 0 removed, 0 changed; to ship: 0 bytes, 0 of the image and the rest in 0 objects");
  EXPECT_THAT(cfs_sign({"diff", "--json", before, after}),
              ::testing::AllOf(HasSubstr("{\"path\":\"/f\",\"difference\":\"changed\",\"aspects\":"
                                         "[\"content\",\"mode\"]}"),
                               ::testing::HasSubstr("{\"object\":\"aa/new\",\"size\":100}")));
}

}  // namespace
}  // namespace cfs::test
