// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/metacopy.hpp"

namespace cfs {

std::string format_metacopy(const Digest& digest) {
  const auto bytes = digest.bytes();
  std::string value{0, static_cast<char>(metacopy_header_size + bytes.size()), 0,
                    static_cast<char>(digest.algorithm())};
  value.append(bytes.begin(), bytes.end());
  return value;
}

std::optional<Digest> parse_metacopy(std::string_view value) {
  if (value.size() < metacopy_header_size || value[0] != 0 ||
      static_cast<unsigned char>(value[1]) != value.size() || value[2] != 0 ||
      (value[3] != static_cast<char>(HashAlgorithm::sha256) &&
       value[3] != static_cast<char>(HashAlgorithm::sha512))) {
    return std::nullopt;
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(value.data()) + metacopy_header_size;
  const auto digest =
      Digest::from_bytes(static_cast<HashAlgorithm>(value[3]), {bytes, value.size() - metacopy_header_size});
  return digest ? std::optional(*digest) : std::nullopt;
}

}  // namespace cfs
