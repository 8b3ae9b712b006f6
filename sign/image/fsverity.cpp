// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/fsverity.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <ranges>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/image/block_hash.hpp"

namespace cfs {

namespace {

// A file is read in pieces of this size.
constexpr std::size_t piece_size = 1UL << 20;

// So many bytes of hashes are collected before they are hashed themselves.
constexpr std::size_t hashes_size = 64 * verity_block_size;

constexpr char block_size_log2 = 12;
static_assert(1UL << block_size_log2 == verity_block_size);

std::size_t whole_blocks(std::size_t size) {
  return size - size % verity_block_size;
}

class MerkleTree {
 public:
  enum class Keep { nothing, all };

  MerkleTree(HashAlgorithm algorithm, Keep keep) : algorithm_(algorithm), keep_(keep) {}

  // Takes the next blocks of the file.
  Result<> add(std::span<const char> blocks) { return add_to(0, blocks); }

  // Completes the tree, and returns the root hash.
  Result<std::string> finish();

  // What was kept: whole blocks, root level first, without the root hash.
  [[nodiscard]] std::string bytes() const;

 private:
  // The first level has the hashes of the file's blocks, each other those of the blocks of the one before.
  struct Level {
    std::string hashes;
    std::size_t hashed = 0;  // of them in the next level
  };

  Result<> add_to(std::size_t level, std::span<const char> blocks);
  Result<> hash_level(std::size_t level);

  HashAlgorithm algorithm_;
  Keep keep_;
  std::deque<Level> levels_;
};

Result<> MerkleTree::add_to(std::size_t level, std::span<const char> blocks) {
  if (blocks.empty()) {
    return {};
  }
  if (level == levels_.size()) {
    levels_.emplace_back();
  }
  std::string& hashes = levels_[level].hashes;
  const std::size_t before = hashes.size();
  hashes.resize(before + blocks.size() / verity_block_size * digest_size(algorithm_));
  CFS_TRY(hash_blocks(algorithm_, verity_block_size, blocks, std::span(hashes).subspan(before)));
  return hashes.size() - levels_[level].hashed >= hashes_size ? hash_level(level) : Result<>();
}

// Adds the hashes of the level's whole blocks to the next.
Result<> MerkleTree::hash_level(std::size_t level) {
  auto& [hashes, hashed] = levels_[level];
  const std::size_t whole = whole_blocks(hashes.size() - hashed);
  CFS_TRY(add_to(level + 1, std::span(std::as_const(hashes)).subspan(hashed, whole)));
  if (keep_ == Keep::all) {
    hashed += whole;
  } else {
    hashes.erase(0, whole);
  }
  return {};
}

Result<std::string> MerkleTree::finish() {
  const std::size_t hash_size = digest_size(algorithm_);
  if (levels_.empty()) {
    return std::string(hash_size, '\0');
  }
  // The level of a single hash, the root's, is the last one.
  for (std::size_t level = 0; level + 1 < levels_.size() || levels_[level].hashes.size() > hash_size;
       ++level) {
    std::string& hashes = levels_[level].hashes;
    hashes.resize(whole_blocks(hashes.size() + verity_block_size - 1));
    if (hashes.size() > levels_[level].hashed) {
      CFS_TRY(hash_level(level));
    }
  }
  return levels_.back().hashes;
}

std::string MerkleTree::bytes() const {
  std::string all;
  for (const Level& level : levels_ | std::views::reverse | std::views::drop(1)) {
    all += level.hashes;
  }
  return all;
}

// struct fsverity_descriptor
std::string descriptor_of(HashAlgorithm algorithm, std::uint64_t size, std::string_view root_hash) {
  std::string descriptor{1, static_cast<char>(algorithm), block_size_log2, 0, 0, 0, 0, 0};
  for (unsigned i = 0; i < 8; ++i) {
    descriptor += static_cast<char>(size >> (8 * i));
  }
  descriptor += root_hash;
  descriptor.resize(verity_descriptor_size);
  return descriptor;
}

Result<VerityMetadata> complete(MerkleTree& tree, HashAlgorithm algorithm, std::uint64_t size) {
  VerityMetadata metadata;
  const std::string root = CFS_TRY(tree.finish());
  metadata.descriptor = descriptor_of(algorithm, size, root);
  std::array<char, 64> hash;
  CFS_TRY(hash_blocks(algorithm, verity_descriptor_size, metadata.descriptor, hash));
  metadata.digest = CFS_TRY(Digest::from_bytes(
      algorithm, {reinterpret_cast<const unsigned char*>(hash.data()), digest_size(algorithm)}));
  return metadata;
}

// Adds what lies beyond the last whole block, filled up with zeros.
Result<> add_rest(MerkleTree& tree, std::span<const char> rest) {
  if (rest.empty()) {
    return {};
  }
  std::array<char, verity_block_size> block{};
  std::ranges::copy(rest, block.begin());
  return tree.add(block);
}

Result<> add_all(MerkleTree& tree, const VerityReader& read, std::uint64_t size) {
  std::vector<char> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, piece_size)));
  for (std::uint64_t left = size; left > 0;) {
    const auto piece = std::span(buffer).first(std::min<std::uint64_t>(left, buffer.size()));
    CFS_TRY(read(piece));
    const std::size_t whole = whole_blocks(piece.size());
    CFS_TRY(tree.add(piece.first(whole)));
    CFS_TRY(add_rest(tree, piece.subspan(whole)));
    left -= piece.size();
  }
  return {};
}

}  // namespace

Result<Digest> compute_verity(const VerityReader& read, std::uint64_t size, HashAlgorithm algorithm) {
  MerkleTree tree(algorithm, MerkleTree::Keep::nothing);
  CFS_TRY(add_all(tree, read, size));
  return CFS_TRY(complete(tree, algorithm, size)).digest;
}

Result<Digest> compute_verity(std::string_view bytes, HashAlgorithm algorithm) {
  MerkleTree tree(algorithm, MerkleTree::Keep::nothing);
  const std::size_t whole = whole_blocks(bytes.size());
  CFS_TRY(tree.add(std::span(bytes).first(whole)));
  CFS_TRY(add_rest(tree, std::span(bytes).subspan(whole)));
  return CFS_TRY(complete(tree, algorithm, bytes.size())).digest;
}

Result<Digest> compute_verity(const Fd& file, std::uint64_t size, HashAlgorithm algorithm) {
  std::uint64_t position = 0;
  const VerityReader read = [&](std::span<char> buffer) -> Result<> {
    CFS_TRY(read_exactly(file, position, buffer));
    position += buffer.size();
    return {};
  };
  return compute_verity(read, size, algorithm);
}

Result<VerityMetadata> verity_metadata(const VerityReader& read, std::uint64_t size,
                                       HashAlgorithm algorithm) {
  MerkleTree tree(algorithm, MerkleTree::Keep::all);
  CFS_TRY(add_all(tree, read, size));
  VerityMetadata metadata = CFS_TRY(complete(tree, algorithm, size));
  metadata.merkle_tree = tree.bytes();
  return metadata;
}

}  // namespace cfs
