// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/oci.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <filesystem>

#include "cfs/base/text.hpp"
#include "unit/tar_archive.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

namespace fs = std::filesystem;

class Oci : public testing::Test {
 protected:
  void SetUp() override { layout.write("oci-layout", R"({"imageLayoutVersion": "1.0.0"})"); }

  static std::string digest_of(const std::string& bytes) {
    std::array<unsigned char, 32> hash{};
    EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
    return cat("sha256:", to_hex(hash));
  }
  static std::string blob_path(const std::string& digest) { return cat("blobs/sha256/", digest.substr(7)); }

  // Writes a blob and returns its descriptor, with `more` members.
  [[nodiscard]] std::string blob(const std::string& bytes, const std::string& more = "") const {
    layout.write(blob_path(digest_of(bytes)), bytes);
    return descriptor(bytes, more);
  }
  static std::string descriptor(const std::string& bytes, const std::string& more = "") {
    return cat(R"({"digest": ")", digest_of(bytes), R"(", "size": )", bytes.size(), more, "}");
  }
  static std::string manifest(const std::string& layers) { return cat(R"({"layers": [)", layers, "]}"); }
  static std::string index(const std::string& manifests) {
    return cat(R"({"manifests": [)", manifests, "]}");
  }
  void write_index(const std::string& manifests) const { layout.write("index.json", index(manifests)); }
  static std::string tagged(const std::string& tag) {
    return cat(R"(, "annotations": {"org.opencontainers.image.ref.name": ")", tag, "\"}");
  }
  static std::string for_platform(const std::string& architecture) {
    return cat(R"(, "platform": {"os": "linux", "architecture": ")", architecture, "\"}");
  }
  static std::string archive_with(const std::string& file) {
    TarArchive tar;
    return tar.file(file).bytes();
  }
  [[nodiscard]] std::string image_with(const std::string& file, const std::string& more = "") const {
    return blob(manifest(blob(archive_with(file))), more);
  }

  [[nodiscard]] Result<FileTree> load(const std::string& tag = "", const std::string& platform = "") const {
    return load_oci({layout.path(), tag, platform}, {});
  }
  [[nodiscard]] std::string outcome(const std::string& tag = "", const std::string& platform = "") const {
    const auto tree = load(tag, platform);
    return tree ? paths_of(*tree) : tree.error().line();
  }

  TempDirectory layout;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Oci, AppliesLayersInOrder) {
  TarArchive lower;
  lower.file("both", "lower").file("hidden").file("d/a");
  TarArchive upper;
  upper.file("both", "upper").file(".wh.hidden").file("d/b").hard_link("d/c", "d/a");
  const std::string kind = R"(, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip")";
  write_index(blob(manifest(blob(lower.bytes(), kind) + ", " + blob(upper.bytes(), kind))));
  const auto tree = load();
  ASSERT_TRUE(tree) << tree.error().line();
  EXPECT_EQ(paths_of(*tree), "both\nd\nd/a\nd/b\nd/c\n");
  EXPECT_EQ(std::get<std::string>(inode_at(*tree, "both").content), "upper");
}

TEST_F(Oci, ChoosesByTagAndPlatform) {
  const std::string nested =
      index(image_with("arm", for_platform("arm64")) + "," + image_with("intel", for_platform("amd64")) +
            "," + image_with("notes", R"(, "platform": {"os": "unknown", "architecture": "unknown"})"));
  write_index(image_with("one", tagged("v1")) + "," + blob(nested, tagged("host/v:2")));
  EXPECT_EQ(outcome("v1"), "one\n");
  EXPECT_EQ(outcome("host/v:2", "linux/arm64"), "arm\n");
  EXPECT_EQ(outcome("host/v:2", "linux/amd64"), "intel\n");
  EXPECT_TRUE(has(outcome(), "choose a tag: host/v:2, v1")) << outcome();
  EXPECT_TRUE(has(outcome("v3"), "no image is tagged v3; there are host/v:2, v1"));
  EXPECT_TRUE(has(outcome("host/v:2"), "choose a platform: linux/amd64, linux/arm64")) << outcome("host/v:2");
  EXPECT_TRUE(has(outcome("host/v:2", "linux/x"), "no image is for linux/x; there are linux/amd64"));
}

TEST_F(Oci, RefusesBlobsThatAreNotWhatTheyAreNamed) {
  const std::string good = archive_with("file");
  std::string lie = good;
  lie[600] ^= 1;  // inside the contents: a good archive all the same
  const std::string document = manifest(blob(good));
  write_index(blob(document));
  EXPECT_EQ(outcome(), "file\n");
  layout.write(blob_path(digest_of(good)), lie);
  EXPECT_TRUE(has(outcome(), "blob-mismatch: the OCI image in " + layout.path() + ": " +
                                 blob_path(digest_of(good)) + ": its contents do not hash"))
      << outcome();
  // Not an archive at all: that it is the wrong one is what counts.
  layout.write(blob_path(digest_of(good)), std::string(good.size(), 'x'));
  EXPECT_TRUE(has(outcome(), "blob-mismatch: "));
  layout.write(blob_path(digest_of(good)), good + "x");
  EXPECT_TRUE(has(outcome(), "blob-mismatch: ")) << outcome();
  fs::remove(layout.path(blob_path(digest_of(good))));
  EXPECT_TRUE(has(outcome(), "not-found: ") && has(outcome(), digest_of(good).substr(7))) << outcome();
  std::string other = document;
  other.back() = ' ';
  layout.write(blob_path(digest_of(document)), other);
  EXPECT_TRUE(has(outcome(), "blob-mismatch: "));
}

// What follows the archive's end inside a layer belongs to the blob too.
TEST_F(Oci, HashesLayersToTheirEnd) {
  const std::string padded = archive_with("file") + std::string(3UL << 20, '\0');
  write_index(blob(manifest(blob(padded))));
  EXPECT_EQ(outcome(), "file\n");
  std::string lie = padded;
  lie.back() = 'x';
  layout.write(blob_path(digest_of(padded)), lie);
  EXPECT_TRUE(has(outcome(), "blob-mismatch: "));
}

TEST_F(Oci, NamesTheEntryOfABadLayer) {
  write_index(blob(manifest(blob(archive_with("../out")))));
  EXPECT_TRUE(has(outcome(), "../out")) << outcome();
  EXPECT_EQ(load().error().code(), Code::archive_malformed);
}

TEST_F(Oci, RefusesLinksToBlobs) {
  const std::string bytes = archive_with("file");
  write_index(blob(manifest(blob(bytes))));
  fs::rename(layout.path(blob_path(digest_of(bytes))), layout.path("elsewhere"));
  layout.link(blob_path(digest_of(bytes)), "../../elsewhere");
  EXPECT_EQ(load().error().code(), Code::path_refused);
}

TEST_F(Oci, RefusesDocumentsThatMakeNoSense) {
  for (const auto* text : {"", "[]", "{", "{}", R"({"manifests": 1})", R"({"manifests": [1]})",
                           R"({"manifests": [{"digest": "sha256:0", "size": 1}]})",
                           R"({"manifests": [{"digest": "md5:00", "size": 1}]})",
                           R"({"manifests": [{"size": 1}]})", R"({"manifests": []})"}) {
    layout.write("index.json", text);
    EXPECT_TRUE(has(outcome(), "index.json")) << text << outcome();
  }
  const std::string digest = digest_of("x");
  for (const auto* size : {"-1", "1.5", "\"1\"", "null"}) {
    write_index(cat(R"({"digest": ")", digest, R"(", "size": )", size, "}"));
    EXPECT_EQ(load().error().code(), Code::archive_malformed) << size;
  }
  write_index(cat(R"({"digest": ")", digest, R"(", "size": 18446744073709551615})"));
  EXPECT_EQ(load().error().code(), Code::unsupported_input);
  layout.write("index.json", std::string(1UL << 20, '['));
  EXPECT_EQ(load().error().code(), Code::archive_malformed);
  write_index(blob(manifest(blob("x", R"(, "mediaType": "application/x-unknown")"))));
  EXPECT_EQ(load().error().code(), Code::unsupported_input);
  layout.write("oci-layout", R"({"imageLayoutVersion": "2.0.0"})");
  EXPECT_EQ(load().error().code(), Code::unsupported_input);
}

TEST_F(Oci, RefusesIndexesThatAreNestedTooDeep) {
  std::string inner = image_with("file");
  for (int i = 0; i < 5; ++i) {
    inner = blob(index(inner));
  }
  write_index(inner);
  EXPECT_TRUE(has(outcome(), "nested too deep")) << outcome();
}

}  // namespace
}  // namespace cfs
