// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/block_hash.hpp"

#include <openssl/evp.h>

#include <memory>

#include "cfs/image/sha256_pair.hpp"
#include "cfs/image/sha256_sixteen.hpp"

namespace cfs {

namespace {

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

Result<> hash_one_by_one(HashAlgorithm algorithm, std::size_t block_size, std::span<const char> blocks,
                         std::span<char> hashes) {
  const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  const EVP_MD* const type = algorithm == HashAlgorithm::sha256 ? EVP_sha256() : EVP_sha512();
  auto* hash = reinterpret_cast<unsigned char*>(hashes.data());
  for (; !blocks.empty(); blocks = blocks.subspan(block_size), hash += digest_size(algorithm)) {
    if (!context || EVP_DigestInit_ex(context.get(), type, nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), blocks.data(), block_size) != 1 ||
        EVP_DigestFinal_ex(context.get(), hash, nullptr) != 1) {
      return fail(Code::io_error, "OpenSSL cannot compute a hash");
    }
  }
  return {};
}

}  // namespace

Result<> hash_blocks(HashAlgorithm algorithm, std::size_t block_size, std::span<const char> blocks,
                     std::span<char> hashes) {
  const std::size_t hash_size = digest_size(algorithm);
  const auto advance = [&](std::size_t count) {
    blocks = blocks.subspan(count * block_size);
    hashes = hashes.subspan(count * hash_size);
  };
  if (algorithm == HashAlgorithm::sha256 && has_sha256_sixteen()) {
    for (; blocks.size() >= 16 * block_size; advance(16)) {
      sha256_sixteen(blocks.data(), block_size, hashes.data());
    }
  }
  if (algorithm != HashAlgorithm::sha256 || !has_sha256_pair()) {
    return hash_one_by_one(algorithm, block_size, blocks, hashes);
  }
  while (!blocks.empty()) {
    // The last of an odd number keeps the second lane busy too: that costs nothing.
    const std::size_t next = blocks.size() > block_size ? 1 : 0;
    sha256_pair({blocks.data(), blocks.data() + next * block_size}, block_size,
                {hashes.data(), hashes.data() + next * hash_size});
    advance(1 + next);
  }
  return {};
}

}  // namespace cfs
