// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <thread>

#include "cfs/base/text.hpp"
#include "cfs/image/fsverity.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

namespace fs = std::filesystem;

class StoreWriterTest : public testing::Test {
 protected:
  [[nodiscard]] std::string object(const std::string& bytes) const {
    return directory.path("store/objects/") + compute_verity(bytes).value().object_path();
  }

  Result<> put(const std::string& bytes) {
    return store->put(compute_verity(bytes).value(), Fd(), bytes.size(), bytes);
  }

  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory.path("store/objects"))) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  TempDirectory directory;
  std::unique_ptr<StoreWriter> store = StoreWriter::open_or_create(directory.path("store")).value();
};

TEST_F(StoreWriterTest, HasItsParts) {
  for (const auto* name : {"objects", "images", "manifests", "slots"}) {
    EXPECT_TRUE(fs::is_directory(directory.path("store") + "/" + name));
  }
  EXPECT_TRUE(StoreWriter::open_or_create(directory.path("store")));  // again
  EXPECT_EQ(StoreWriter::open_or_create(directory.path("no/store")).error().code(), Code::not_found);
  EXPECT_FALSE(StoreWriter::open_or_create(directory.write("file", "")));
}

TEST_F(StoreWriterTest, TakesStreams) {
  for (const std::size_t size : {1UL, 5000UL, (2UL << 20) + 3}) {
    const std::string bytes(size, 'b');
    std::size_t given = 0;
    const VerityReader read = [&](std::span<char> buffer) -> Result<> {
      given += bytes.copy(buffer.data(), buffer.size(), given);
      return {};
    };
    for (int i = 0; i < 2; ++i) {  // the second time the store has it
      given = 0;
      EXPECT_EQ(store->put(read, size, HashAlgorithm::sha256).value(), compute_verity(bytes).value());
      ASSERT_TRUE(store->commit());
    }
    EXPECT_TRUE(read_bytes(object(bytes)) == bytes) << size;
  }
  EXPECT_EQ(files(), 3U);
  const VerityReader broken = [](std::span<char>) { return fail(Code::input_changed, "it stopped"); };
  EXPECT_EQ(store->put(broken, 10, HashAlgorithm::sha256).error().what(), "it stopped");
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(files(), 3U);
}

TEST_F(StoreWriterTest, NamesObjectsAtCommit) {
  ASSERT_TRUE(put("contents"));
  EXPECT_FALSE(fs::exists(object("contents")));
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(read_bytes(object("contents")), "contents");
  struct stat status{};
  ASSERT_EQ(::stat(object("contents").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, static_cast<mode_t>(S_IFREG | 0644));
}

TEST_F(StoreWriterTest, LeavesNothingWithoutCommit) {
  ASSERT_TRUE(put("contents"));
  store.reset();
  EXPECT_TRUE(fs::is_empty(directory.path("store/objects")));
}

TEST_F(StoreWriterTest, DoesNotWriteAnObjectAgain) {
  ASSERT_TRUE(put("contents"));
  ASSERT_TRUE(store->commit());
  struct stat before{};
  ASSERT_EQ(::stat(object("contents").c_str(), &before), 0);
  ASSERT_TRUE(put("contents"));
  ASSERT_TRUE(put("contents"));
  ASSERT_TRUE(store->commit());
  struct stat after{};
  ASSERT_EQ(::stat(object("contents").c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_EQ(files(), 1U);
}

TEST_F(StoreWriterTest, ReplacesAnObjectOfTheWrongSize) {
  fs::create_directories(fs::path(object("contents")).parent_path());
  directory.write(fs::relative(object("contents"), directory.path()).string(), "cont");
  ASSERT_TRUE(put("contents"));
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(read_bytes(object("contents")), "contents");
}

TEST_F(StoreWriterTest, CopiesWhatFollowsTheHead) {
  const std::string bytes = std::string(70000, 'a') + std::string(70000, 'b');
  const Fd source(::open(directory.write("source", bytes).c_str(), O_RDONLY | O_CLOEXEC));
  for (const std::size_t head : {0UL, 1UL, 70000UL, 140000UL}) {
    store = StoreWriter::open_or_create(directory.path("store")).value();
    ASSERT_TRUE(store->put(compute_verity(bytes).value(), source, bytes.size(), bytes.substr(0, head)));
    ASSERT_TRUE(store->commit());
    EXPECT_TRUE(read_bytes(object(bytes)) == bytes) << head;
    fs::remove(object(bytes));
  }
}

TEST_F(StoreWriterTest, ReportsASourceThatIsShorter) {
  const Fd source(::open(directory.write("source", "1234").c_str(), O_RDONLY | O_CLOEXEC));
  const auto outcome = store->put(compute_verity("12345").value(), source, 5, "");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Code::input_changed);
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(files(), 0U);
}

TEST_F(StoreWriterTest, TakesObjectsFromManyThreads) {
  {
    std::array<std::jthread, 4> threads;
    for (auto& thread : threads) {
      thread = std::jthread([this] {
        for (int i = 0; i < 300; ++i) {  // more than one batch, the same from all threads
          EXPECT_TRUE(put(cat("object ", i)));
        }
      });
    }
  }
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(files(), 300U);
  EXPECT_EQ(read_bytes(object("object 299")), "object 299");
}

TEST_F(StoreWriterTest, AddsAnImageWithItsLink) {
  ASSERT_TRUE(put("contents"));
  const Digest digest = compute_verity("image").value();
  ASSERT_TRUE(store->add_image(digest, "image"));
  ASSERT_TRUE(store->add_image(digest, "image"));
  EXPECT_EQ(read_bytes(object("image")), "image");
  EXPECT_EQ(read_bytes(object("contents")), "contents");
  EXPECT_EQ(fs::read_symlink(directory.path("store/images/" + digest.hex())),
            "../objects/" + digest.object_path());
}

TEST_F(StoreWriterTest, RefusesALinkThatLeadsElsewhere) {
  const Digest digest = compute_verity("image").value();
  directory.link("store/images/" + digest.hex(), "../objects/elsewhere");
  EXPECT_EQ(store->add_image(digest, "image").error().code(), Code::already_exists);
}

}  // namespace
}  // namespace cfs
