// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/digest.hpp"

#include <algorithm>

#include "cfs/base/text.hpp"

namespace cfs {

Result<Digest> Digest::from_bytes(HashAlgorithm algorithm, std::span<const unsigned char> bytes) {
  if (bytes.size() != digest_size(algorithm)) {
    return fail(Code::unsupported_input,
                cat("a digest of ", bytes.size(), " bytes where ", digest_size(algorithm), " are needed"));
  }
  Digest digest;
  digest.algorithm_ = algorithm;
  std::copy(bytes.begin(), bytes.end(), digest.bytes_.begin());
  return digest;
}

Result<Digest> Digest::parse(std::string_view text) {
  const auto colon = text.find(':');
  const auto algorithm = value_of(hash_words, text.substr(0, colon));
  const auto bytes = colon == std::string_view::npos ? std::nullopt : from_hex(text.substr(colon + 1));
  if (!bytes || !algorithm) {
    return fail(Code::unsupported_input,
                cat("\"", printable(text), "\" is not a digest of the form sha256:<hex> or sha512:<hex>"));
  }
  return from_bytes(*algorithm, *bytes);
}

std::string Digest::text() const {
  return cat(word_of(hash_words, algorithm_), ':', hex());
}

std::string Digest::hex() const {
  return to_hex(bytes());
}

std::string Digest::object_path() const {
  std::string path = hex();
  path.insert(2, 1, '/');
  return path;
}

}  // namespace cfs
