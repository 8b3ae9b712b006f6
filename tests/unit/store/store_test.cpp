// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cfs/base/file.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/signature.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

class StoreTest : public testing::Test {
 protected:
  [[nodiscard]] Store store() const { return Store::open(directory.path("composefs")).value(); }
  void write(std::string_view name, std::string_view bytes) const {
    directory.write("composefs/" + std::string(name), bytes);
  }
  void link(std::string_view name, std::string_view target) const {
    directory.link("composefs/" + std::string(name), target);
  }
  void slot_link(std::string_view target) const {
    std::filesystem::remove(directory.path("composefs/slots/current"));
    link("slots/current", target);
  }

  StoreTest() { std::filesystem::create_directories(directory.path("composefs/objects")); }
  const TempDirectory directory;
  const Digest digest = Digest::parse("sha256:" + std::string(62, 'a') + "bc").value();
};

TEST_F(StoreTest, OpensByPathAndOnAFileSystem) {
  EXPECT_TRUE(Store::open(directory.path("composefs")));
  EXPECT_EQ(Store::open(directory.path("absent")).error().code(), Code::not_found);
  const Fd root = open_directory(directory.path()).value();
  EXPECT_TRUE(Store::open_on(root));
  EXPECT_TRUE(Store::open_on(root)->objects());
}

TEST_F(StoreTest, FileSystemWithoutAStoreIsMalformed) {
  const TempDirectory other;
  const Fd root = open_directory(other.path()).value();
  EXPECT_EQ(Store::open_on(root).error().code(), Code::store_malformed);
  other.link("composefs", directory.path("composefs"));
  EXPECT_EQ(Store::open_on(root).error().code(), Code::store_malformed);
  std::filesystem::remove(other.path("composefs"));
  other.write("composefs", "a file");
  EXPECT_EQ(Store::open_on(root).error().code(), Code::store_malformed);
}

TEST_F(StoreTest, StoreWithoutObjectsIsMalformed) {
  const auto refused = [this] {
    const Fd root = open_directory(directory.path()).value();
    EXPECT_EQ(Store::open(directory.path("composefs")).error().code(), Code::store_malformed);
    EXPECT_EQ(Store::open_on(root)->objects().error().code(), Code::store_malformed);
  };
  std::filesystem::remove(directory.path("composefs/objects"));
  refused();
  link("objects", "/tmp");
  refused();
}

TEST_F(StoreTest, OpensObjectsByDigest) {
  EXPECT_EQ(store().object(digest).error().code(), Code::image_missing);
  write("objects/" + digest.object_path(), "contents");
  const auto object = store().object(digest);
  ASSERT_TRUE(object) << object.error().what();
  EXPECT_EQ(read_all(*object, 100).value(), "contents");
}

TEST_F(StoreTest, ObjectsThatAreNotPlainFilesAreRefused) {
  const std::string path = directory.path("composefs/objects/" + digest.object_path());
  directory.write("outside", "contents");
  link("objects/" + digest.object_path(), directory.path("outside"));
  EXPECT_EQ(store().object(digest).error().code(), Code::path_refused);
  std::filesystem::remove(path);
  link("objects/" + digest.object_path(), "../../../outside");
  EXPECT_EQ(store().object(digest).error().code(), Code::path_refused);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(store().object(digest).error().code(), Code::path_refused);
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(store().object(digest).error().code(), Code::path_refused);  // and does not wait for a writer
}

TEST_F(StoreTest, ObjectsBehindALinkedDirectoryAreRefused) {
  directory.write("elsewhere/" + digest.object_path().substr(3), "contents");
  link("objects/aa", directory.path("elsewhere"));
  EXPECT_EQ(store().object(digest).error().code(), Code::path_refused);
}

TEST_F(StoreTest, OpensProfilesByDigest) {
  EXPECT_EQ(store().profile(digest).error().code(), Code::not_found);
  write("profiles/" + digest.hex(), "text");
  const auto profile = store().profile(digest);
  ASSERT_TRUE(profile) << profile.error().what();
  EXPECT_EQ(read_all(*profile, 100).value(), "text");
  std::filesystem::remove(directory.path("composefs/profiles/" + digest.hex()));
  directory.write("outside", "text");
  link("profiles/" + digest.hex(), directory.path("outside"));
  EXPECT_EQ(store().profile(digest).error().code(), Code::path_refused);
}

TEST_F(StoreTest, SlotNames) {
  for (const std::string_view name : {"next", "current", "previous"}) {
    EXPECT_TRUE(is_slot_name(name));
  }
  for (const std::string_view name : {"", "Current", "current ", "../current", "other"}) {
    EXPECT_FALSE(is_slot_name(name)) << name;
  }
}

TEST_F(StoreTest, ReadsSlots) {
  EXPECT_EQ(store().slot("current").value(), std::nullopt);  // no slots/ at all
  link("slots/current", "../manifests/demo-1.0.toml");
  EXPECT_EQ(store().slot("current").value(), "demo-1.0");
  EXPECT_EQ(store().slot("previous").value(), std::nullopt);
}

TEST_F(StoreTest, SlotsThatLeadElsewhereAreRefused) {
  for (const std::string_view target :
       {"demo.toml", "/composefs/manifests/demo.toml", "../manifests/demo", "../manifests/.toml",
        "../manifests/../x.toml", "../manifests/a/b.toml", "../../manifests/demo.toml",
        "../manifests//demo.toml", "../manifests/demo.toml/", "../objects/demo.toml", "../manifests/-x.toml",
        "../manifests/demo.toml.sig", "./../manifests/demo.toml"}) {
    slot_link(target);
    EXPECT_EQ(store().slot("current").error().code(), Code::path_refused) << target;
  }
  slot_link("../manifests/" + std::string(65, 'a') + ".toml");
  EXPECT_EQ(store().slot("current").error().code(), Code::path_refused);
}

TEST_F(StoreTest, SlotsThatAreNotLinksAreRefused) {
  write("slots/current", "../manifests/demo.toml");
  EXPECT_EQ(store().slot("current").error().code(), Code::path_refused);
  std::filesystem::remove_all(directory.path("composefs/slots"));
  directory.link("elsewhere/current", "../manifests/demo.toml");
  link("slots", directory.path("elsewhere"));
  EXPECT_EQ(store().slot("current").error().code(), Code::path_refused);
}

TEST_F(StoreTest, ReadsManifests) {
  write("manifests/demo.toml", "bytes");
  EXPECT_EQ(store().manifest("demo").error().code(), Code::signature_missing);
  write("manifests/demo.toml.sig", "signatures");
  const auto files = store().manifest("demo");
  ASSERT_TRUE(files) << files.error().what();
  EXPECT_EQ(files->bytes, "bytes");
  EXPECT_EQ(files->signatures, "signatures");
  EXPECT_EQ(store().manifest("other").error().code(), Code::manifest_missing);
}

TEST_F(StoreTest, ManifestNamesThatLeadElsewhereAreRefused) {
  directory.write("secret.toml", "x");
  directory.write("secret.toml.sig", "x");
  for (const std::string_view name : {"../../secret", "", ".", "a/b", "/etc/passwd"}) {
    EXPECT_EQ(store().manifest(name).error().code(), Code::path_refused) << name;
  }
}

TEST_F(StoreTest, ManifestsThatAreNotPlainFilesAreRefused) {
  write("manifests/good.toml", "x");
  write("manifests/good.toml.sig", "x");
  link("manifests/linked.toml", "good.toml");
  link("manifests/linked.toml.sig", "good.toml.sig");
  EXPECT_EQ(store().manifest("linked").error().code(), Code::path_refused);
  write("manifests/half.toml", "x");
  link("manifests/half.toml.sig", "good.toml.sig");
  EXPECT_EQ(store().manifest("half").error().code(), Code::path_refused);
  ASSERT_EQ(::mkfifo(directory.path("composefs/manifests/fifo.toml").c_str(), 0600), 0);
  EXPECT_EQ(store().manifest("fifo").error().code(), Code::path_refused);
  std::filesystem::create_directory(directory.path("composefs/manifests/dir.toml"));
  EXPECT_EQ(store().manifest("dir").error().code(), Code::path_refused);
}

TEST_F(StoreTest, ManifestsThatAreTooLargeAreRefused) {
  write("manifests/a.toml", std::string(manifest_max_bytes, 'x'));
  write("manifests/a.toml.sig", std::string(signature_file_max_bytes, 'x'));
  EXPECT_TRUE(store().manifest("a"));
  write("manifests/a.toml.sig", std::string(signature_file_max_bytes + 1, 'x'));
  EXPECT_EQ(store().manifest("a").error().code(), Code::path_refused);
  write("manifests/a.toml", std::string(manifest_max_bytes + 1, 'x'));
  const auto large = store().manifest("a");
  EXPECT_EQ(large.error().code(), Code::path_refused);
  EXPECT_NE(large.error().what().find("manifests/a.toml: larger"), std::string::npos) << large.error().what();
}

}  // namespace
}  // namespace cfs
