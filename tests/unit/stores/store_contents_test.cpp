// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_contents.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

const std::string hex_a(64, 'a');
const std::string object_a = "objects/aa/" + std::string(62, 'a');

class Contents : public ::testing::Test {
 protected:
  Contents() { directory_.write(object_a, "contents"); }

  // The code of the refusal.
  Code refusal() {
    const auto store = read_store(directory_.path());
    EXPECT_FALSE(store);
    return store ? Code::interrupted : store.error().code();
  }

  TempDirectory directory_;
};

TEST_F(Contents, AreListedInOrder) {
  directory_.write("objects/02/" + std::string(62, '0'), "");
  directory_.write("objects/02/" + std::string(126, '0'), "x");
  directory_.link("images/" + hex_a, "../" + object_a);
  directory_.write("manifests/demo-1.toml", "text");
  directory_.write("manifests/demo-1.toml.sig", "signature");
  directory_.link("slots/current", "../manifests/demo-1.toml");
  const auto store = read_store(directory_.path());
  ASSERT_TRUE(store) << store.error().line();
  ASSERT_EQ(store->objects.size(), 3U);
  EXPECT_EQ(store->objects[0].path, "objects/02/" + std::string(62, '0'));
  EXPECT_EQ(store->objects[1].digest.algorithm(), HashAlgorithm::sha512);
  EXPECT_EQ(store->objects[2].digest.text(), "sha256:" + hex_a);
  EXPECT_EQ(store->objects[2].size, 8U);
  ASSERT_EQ(store->manifests.size(), 2U);
  EXPECT_EQ(store->manifests[0].bytes, "text");
  ASSERT_EQ(store->links.size(), 2U);
  EXPECT_EQ(store->links[1].target, "../manifests/demo-1.toml");
}

TEST_F(Contents, WhatAnInterruptedWriterLeftIsListedApart) {
  directory_.write(".lock", "");
  directory_.write("objects/.tmp", "");
  directory_.write("objects/aa/.tmp", "");
  directory_.write("manifests/.demo.toml.1.tmp", "");
  const auto store = read_store(directory_.path());
  ASSERT_TRUE(store) << store.error().line();
  EXPECT_EQ(store->objects.size(), 1U);
  EXPECT_TRUE(store->manifests.empty());
  EXPECT_EQ(store->leftovers, (std::vector<std::string>{".lock", "manifests/.demo.toml.1.tmp", "objects/.tmp",
                                                        "objects/aa/.tmp"}));
}

TEST_F(Contents, WhatIsWrongCanBeNotedAndPassedOver) {
  directory_.write("README", "");
  directory_.write("objects/aa/0123", "");
  directory_.link("slots/current", "/etc/passwd");
  std::vector<Error> problems;
  const auto store = read_store(directory_.path(), problems);
  ASSERT_TRUE(store) << store.error().line();
  EXPECT_EQ(store->objects.size(), 1U);
  EXPECT_TRUE(store->links.empty());
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_EQ(problems[0].code(), Code::store_malformed);
  EXPECT_EQ(problems[2].code(), Code::path_refused);
}

TEST_F(Contents, ProfilesAreRead) {
  const std::string text = "composefs-root boot profile 1\nimage sha256:" + hex_a + "\n";
  directory_.write("profiles/" + hex_a, text);
  const auto store = read_store(directory_.path());
  ASSERT_TRUE(store) << store.error().line();
  ASSERT_EQ(store->profiles.size(), 1U);
  EXPECT_EQ(format_boot_profile(store->profiles[0]), text);
  directory_.write("profiles/" + hex_a, "text");
  EXPECT_EQ(refusal(), Code::profile_malformed);
  directory_.write("profiles/" + hex_a,
                   "composefs-root boot profile 1\nimage sha256:" + std::string(64, 'b') + "\n");
  EXPECT_EQ(refusal(), Code::profile_malformed);
  std::filesystem::remove(directory_.path("profiles/" + hex_a));
  directory_.write("profiles/demo", text);
  EXPECT_EQ(refusal(), Code::store_malformed);
}

TEST_F(Contents, LinksSayWhatTheyName) {
  directory_.link("images/" + hex_a, "../" + object_a);
  directory_.link("slots/current", "../manifests/demo-1.toml");
  const auto store = read_store(directory_.path());
  ASSERT_TRUE(store) << store.error().line();
  ASSERT_EQ(store->links.size(), 2U);
  ASSERT_TRUE(std::holds_alternative<Digest>(store->links[0].leads_to));
  EXPECT_EQ(std::get<Digest>(store->links[0].leads_to).hex(), hex_a);
  ASSERT_TRUE(std::holds_alternative<std::string>(store->links[1].leads_to));
  EXPECT_EQ(std::get<std::string>(store->links[1].leads_to), "demo-1");
}

TEST_F(Contents, IdentityIsThatOfWhatIsThere) {
  const auto identity = [this] { return read_store(directory_.path()).value().identity().value(); };
  const std::string first = identity();
  EXPECT_EQ(identity(), first);
  directory_.write("manifests/demo.toml", "a");
  const std::string second = identity();
  EXPECT_NE(second, first);
  directory_.write("manifests/demo.toml", "b");
  EXPECT_NE(identity(), second);
}

TEST_F(Contents, ShouldFailWithoutObjects) {
  const TempDirectory empty;
  const auto store = read_store(empty.path());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Code::store_malformed);
  EXPECT_EQ(read_store(empty.path("missing")).error().code(), Code::not_found);
}

TEST_F(Contents, ShouldFailOnForeignNames) {
  for (const char* const name :
       {"README", "objects/file-list", "objects/AA/x", "objects/aa/0123", "images/demo", "manifests/demo.txt",
        "manifests/-demo.toml", "slots/newest"}) {
    const TempDirectory store;
    store.write(object_a, "contents");
    store.write(name, "");
    const auto contents = read_store(store.path());
    ASSERT_FALSE(contents) << name;
    EXPECT_EQ(contents.error().code(), Code::store_malformed) << name;
  }
}

TEST_F(Contents, ShouldFailOnAnObjectThatIsALink) {
  directory_.link("objects/bb/" + std::string(62, 'b'), "../../" + object_a);
  EXPECT_EQ(refusal(), Code::path_refused);
}

TEST_F(Contents, ShouldFailOnADirectoryThatIsALink) {
  directory_.link("objects/bb", "aa");
  EXPECT_EQ(refusal(), Code::path_refused);
}

TEST_F(Contents, ShouldFailOnAFifo) {
  directory_.write("manifests/demo.toml", "");
  ASSERT_EQ(::mkfifo(directory_.path("manifests/pipe.toml").c_str(), 0600), 0);
  EXPECT_EQ(refusal(), Code::path_refused);
}

TEST_F(Contents, ShouldFailOnAnImageThatLeadsElsewhere) {
  directory_.link("images/" + hex_a, "../objects/bb/" + std::string(62, 'a'));
  EXPECT_EQ(refusal(), Code::path_refused);
}

TEST_F(Contents, ShouldFailOnASlotThatLeadsElsewhere) {
  for (const char* const target :
       {"/etc/passwd", "../manifests/../x.toml", "../manifests/.toml", "../manifests/demo", "demo.toml"}) {
    const TempDirectory store;
    store.write(object_a, "contents");
    store.link("slots/current", target);
    const auto contents = read_store(store.path());
    ASSERT_FALSE(contents) << target;
    EXPECT_EQ(contents.error().code(), Code::path_refused) << target;
  }
}

TEST_F(Contents, ShouldFailOnAManifestThatIsTooLarge) {
  directory_.write("manifests/demo.toml", std::string(70'000, '#'));
  EXPECT_EQ(refusal(), Code::path_refused);
}

}  // namespace
}  // namespace cfs
