// SPDX-License-Identifier: Apache-2.0
// Any bytes: parse_manifest() refuses them or gives a manifest that can be written and read back unchanged.
#include <cstdint>
#include <cstdlib>

#include "cfs/trust/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = cfs::parse_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest) {
    return 0;
  }
  const auto text = cfs::format_manifest(*manifest);
  if (!text) {
    // All values on one line can be more than a line may have: the only way in which they cannot be written.
    return text.error().what().find("longer than") == std::string::npos ? (std::abort(), 0) : 0;
  }
  if (cfs::parse_manifest(*text).value() != *manifest) {
    std::abort();
  }
  return 0;
}
