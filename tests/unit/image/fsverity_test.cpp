// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/fsverity.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <libfsverity.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "cfs/base/text.hpp"
#include "unit/hashed_bytes.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

// The definition (fsverity.rst), written down for at most 128 blocks: one level of hashes, then the
// descriptor.
std::string expected_hex(const std::string& bytes) {
  std::string level;
  for (std::size_t at = 0; at < bytes.size(); at += 4096) {
    std::string block = bytes.substr(at, 4096);
    block.resize(4096);
    level += sha256(block);
  }
  if (level.size() > 32) {
    level.resize(4096);
    level = sha256(level);
  }
  std::string descriptor{1, 1, 12, 0, 0, 0, 0, 0};  // version, SHA-256, log2 of the block size, no salt
  for (unsigned i = 0; i < 8; ++i) {
    descriptor += static_cast<char>(static_cast<std::uint64_t>(bytes.size()) >> (8 * i));
  }
  descriptor += level;
  descriptor.resize(256);
  const std::string hash = sha256(descriptor);
  return to_hex({reinterpret_cast<const unsigned char*>(hash.data()), hash.size()});
}

TEST(FsVerity, FollowsTheDefinition) {
  EXPECT_EQ(compute_verity("").value().text(),
            "sha256:3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95");
  for (const std::size_t size : {1UL, 4095UL, 4096UL, 4097UL, 8192UL, 128UL * 4096}) {
    EXPECT_EQ(compute_verity(pattern(size)).value().hex(), expected_hex(pattern(size))) << size;
  }
}

// A file as libfsverity reads it, and what it says about it.
struct Reference {
  std::string_view rest;
  VerityMetadata metadata;
};

Reference reference(std::string_view bytes, HashAlgorithm algorithm) {
  Reference result{.rest = bytes, .metadata = {}};
  const auto read = [](void* context, void* buffer, std::size_t size) {
    auto& rest = static_cast<Reference*>(context)->rest;
    rest.copy(static_cast<char*>(buffer), size);
    rest.remove_prefix(size);
    return 0;
  };
  const libfsverity_metadata_callbacks callbacks{
      .ctx = &result,
      .merkle_tree_size =
          [](void* context, std::uint64_t size) {
            static_cast<Reference*>(context)->metadata.merkle_tree.resize(size);
            return 0;
          },
      .merkle_tree_block =
          [](void* context, const void* block, std::size_t size, std::uint64_t offset) {
            static_cast<Reference*>(context)->metadata.merkle_tree.replace(
                offset, size, static_cast<const char*>(block), size);
            return 0;
          },
      .descriptor =
          [](void* context, const void* descriptor, std::size_t size) {
            static_cast<Reference*>(context)->metadata.descriptor.assign(static_cast<const char*>(descriptor),
                                                                         size);
            return 0;
          }};
  libfsverity_merkle_tree_params parameters{};
  parameters.version = 1;
  parameters.hash_algorithm = static_cast<std::uint32_t>(algorithm);
  parameters.file_size = bytes.size();
  parameters.block_size = verity_block_size;
  parameters.metadata_callbacks = &callbacks;
  libfsverity_digest* computed = nullptr;
  EXPECT_EQ(::libfsverity_compute_digest(&result, read, &parameters, &computed), 0);
  const std::unique_ptr<libfsverity_digest, decltype(&std::free)> owner(computed, &std::free);
  result.metadata.digest =
      Digest::from_bytes(algorithm, {computed->digest, computed->digest_size}).value_or(Digest());
  return result;
}

TEST(FsVerity, AgreesWithLibfsverity) {
  std::mt19937_64 random(1);
  std::string all(20UL << 20, '\0');
  for (char& byte : all) {
    byte = static_cast<char>(random());
  }
  std::vector<std::size_t> sizes{0, 1, 4095, 4096, 4097, 8192, 127UL * 4096, 128UL * 4096, 128UL * 4096 + 1};
  for (const std::size_t blocks : {64UL, 129UL, 256UL, 257UL, 4096UL, 4097UL}) {  // pieces, levels of SHA-512
    sizes.insert(sizes.end(), {blocks * 4096 - 1, blocks * 4096, blocks * 4096 + 1});
  }
  for (int i = 0; i < 20; ++i) {
    sizes.push_back(random() % (all.size() >> (random() % 12)));
  }
  for (const auto algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha512}) {
    for (const std::size_t size : sizes) {
      SCOPED_TRACE(cat("size ", size, ", algorithm ", static_cast<int>(algorithm)));
      const std::string_view bytes = std::string_view(all).substr(0, size);
      const VerityMetadata expected = reference(bytes, algorithm).metadata;
      EXPECT_EQ(compute_verity(bytes, algorithm).value(), expected.digest);
      std::string_view rest = bytes;
      const auto found = verity_metadata(
          [&](std::span<char> buffer) -> Result<> {
            rest.copy(buffer.data(), buffer.size());
            rest.remove_prefix(buffer.size());
            return {};
          },
          size, algorithm);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->digest, expected.digest);
      EXPECT_EQ(found->merkle_tree, expected.merkle_tree);
      EXPECT_EQ(found->descriptor, expected.descriptor);
    }
  }
}

// What is hashed on the way is forgotten, or kept.
TEST(FsVerity, IsTheSameForALargeFile) {
  const std::uint64_t size = (40UL << 20) + 12345;
  const VerityReader read = [](std::span<char> buffer) -> Result<> {
    std::ranges::fill(buffer, '\0');
    return {};
  };
  EXPECT_EQ(compute_verity(read, size).value(), verity_metadata(read, size).value().digest);
}

TEST(FsVerity, ReadsFilesFromTheStart) {
  const TempDirectory directory;
  const std::string bytes = pattern((3UL << 20) + 5);  // more than one read
  const Fd file(::open(directory.write("file", bytes).c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::lseek(file.get(), 100, SEEK_SET), 100);
  EXPECT_EQ(compute_verity(file, bytes.size()).value(), compute_verity(bytes).value());
  EXPECT_EQ(compute_verity(file, 4096).value(), compute_verity(bytes.substr(0, 4096)).value());
  EXPECT_EQ(compute_verity(file, 0).value(), compute_verity("").value());
}

TEST(FsVerity, ReportsAFileThatIsShorter) {
  const TempDirectory directory;
  const Fd file(::open(directory.write("file", "1234").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(compute_verity(file, 5).error().code(), Code::input_changed);
}

TEST(FsVerity, GivesTreeAndDescriptor) {
  const std::string bytes = pattern(129UL * 4096);  // two levels: a root and two blocks
  std::string_view rest = bytes;
  const VerityReader read = [&](std::span<char> buffer) -> Result<> {
    rest.copy(buffer.data(), buffer.size());
    rest.remove_prefix(buffer.size());
    return {};
  };
  const auto metadata = verity_metadata(read, bytes.size());
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->digest, compute_verity(bytes).value());
  ASSERT_EQ(metadata->merkle_tree.size(), 3U * 4096);
  EXPECT_EQ(metadata->merkle_tree.substr(0, 32), sha256(metadata->merkle_tree.substr(4096, 4096)));
  EXPECT_EQ(metadata->merkle_tree.substr(4096, 32), sha256(bytes.substr(0, 4096)));
  ASSERT_EQ(metadata->descriptor.size(), verity_descriptor_size);
  EXPECT_EQ(metadata->descriptor.substr(16, 32), sha256(metadata->merkle_tree.substr(0, 4096)));
  const std::string hash = sha256(metadata->descriptor);
  EXPECT_EQ(metadata->digest.hex(),
            to_hex({reinterpret_cast<const unsigned char*>(hash.data()), hash.size()}));
}

TEST(FsVerity, PassesTheReadersErrorOn) {
  const auto digest = compute_verity(
      [](std::span<char>) -> Result<> { return fail(Code::object_damaged, "bad sector"); }, 10000);
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code(), Code::object_damaged);
}

TEST(FsVerity, KnowsSha512) {
  const auto digest = compute_verity("x", HashAlgorithm::sha512);
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest->bytes().size(), 64U);
}

}  // namespace
}  // namespace cfs
