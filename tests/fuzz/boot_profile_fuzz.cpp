// SPDX-License-Identifier: Apache-2.0
// Any bytes: parse_boot_profile() refuses them, or they are exactly the text of what it gives.
#include <cstdint>
#include <cstdlib>

#include "cfs/store/boot_profile.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto profile = cfs::parse_boot_profile(text);
  if (profile && cfs::format_boot_profile(*profile) != text) {
    std::abort();
  }
  return 0;
}
