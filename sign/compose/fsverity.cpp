#include "cfs/fsverity.hpp"

#include <libfsverity.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "cfs/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t read_size = 1UL << 20;

// What libfsverity's C callbacks reach through their context pointer.
struct Computation {
  const VerityReader& read;
  Result<> outcome;
  VerityMetadata* metadata;
};

int read_block(void* context, void* buffer, std::size_t size) {
  auto& computation = *static_cast<Computation*>(context);
  computation.outcome = computation.read({static_cast<char*>(buffer), size});
  return computation.outcome ? 0 : -EIO;
}

int take_tree_size(void* context, std::uint64_t size) {
  static_cast<Computation*>(context)->metadata->merkle_tree.resize(size);
  return 0;
}

int take_tree_block(void* context, const void* block, std::size_t size, std::uint64_t offset) {
  std::memcpy(&static_cast<Computation*>(context)->metadata->merkle_tree.at(offset), block, size);
  return 0;
}

int take_descriptor(void* context, const void* descriptor, std::size_t size) {
  static_cast<Computation*>(context)->metadata->descriptor.assign(static_cast<const char*>(descriptor), size);
  return 0;
}

Result<Digest> compute(const VerityReader& read, std::uint64_t size, HashAlgorithm algorithm,
                       VerityMetadata* metadata) {
  Computation computation{.read = read, .outcome = {}, .metadata = metadata};
  const libfsverity_metadata_callbacks callbacks{.ctx = &computation,
                                                 .merkle_tree_size = take_tree_size,
                                                 .merkle_tree_block = take_tree_block,
                                                 .descriptor = take_descriptor};
  libfsverity_merkle_tree_params parameters{};
  parameters.version = 1;
  parameters.hash_algorithm = static_cast<std::uint32_t>(algorithm);
  parameters.file_size = size;
  parameters.block_size = verity_block_size;
  parameters.metadata_callbacks = metadata != nullptr ? &callbacks : nullptr;

  libfsverity_digest* computed = nullptr;
  const int error = libfsverity_compute_digest(&computation, read_block, &parameters, &computed);
  CFS_TRY(computation.outcome);
  if (error != 0) {
    return fail_errno(Code::io_error, "compute an fs-verity digest", -error);
  }
  const std::unique_ptr<libfsverity_digest, decltype(&std::free)> owner(computed, &std::free);
  return Digest::from_bytes(algorithm, {computed->digest, computed->digest_size});
}

}  // namespace

Result<Digest> compute_verity(const VerityReader& read, std::uint64_t size, HashAlgorithm algorithm) {
  return compute(read, size, algorithm, nullptr);
}

Result<Digest> compute_verity(std::string_view bytes, HashAlgorithm algorithm) {
  std::string_view rest = bytes;
  const VerityReader read = [&rest](std::span<char> buffer) -> Result<> {
    rest.copy(buffer.data(), buffer.size());
    rest.remove_prefix(buffer.size());
    return {};
  };
  return compute(read, bytes.size(), algorithm, nullptr);
}

Result<Digest> compute_verity(const Fd& file, std::uint64_t size, HashAlgorithm algorithm) {
  std::vector<char> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(size, read_size)));
  std::span<const char> ready;
  off_t position = 0;
  const VerityReader read = [&](std::span<char> block) -> Result<> {
    while (!block.empty()) {
      if (ready.empty()) {
        const auto got = ::pread(file.get(), buffer.data(), buffer.size(), position);
        if (got < 0 && errno == EINTR) {
          continue;
        }
        if (got < 0) {
          return fail_errno(Code::io_error, "read");
        }
        if (got == 0) {
          return fail(Code::input_changed, cat("ended after ", position, " of ", size, " bytes"));
        }
        ready = std::span(buffer).first(static_cast<std::size_t>(got));
        position += got;
      }
      const std::size_t part = std::min(block.size(), ready.size());
      std::memcpy(block.data(), ready.data(), part);
      block = block.subspan(part);
      ready = ready.subspan(part);
    }
    return {};
  };
  return compute(read, size, algorithm, nullptr);
}

Result<VerityMetadata> verity_metadata(const VerityReader& read, std::uint64_t size,
                                       HashAlgorithm algorithm) {
  VerityMetadata metadata;
  metadata.digest = CFS_TRY(compute(read, size, algorithm, &metadata));
  return metadata;
}

}  // namespace cfs
