// SPDX-License-Identifier: Apache-2.0
// The value of the extended attribute trusted.overlay.metacopy: struct ovl_metacopy of Linux (fs/overlayfs).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cfs/base/digest.hpp"

namespace cfs {

// Version, length, flags and algorithm, a byte each; the digest follows.
inline constexpr std::size_t metacopy_header_size = 4;

// For contents that have this fs-verity digest.
[[nodiscard]] std::string format_metacopy(const Digest& digest);

// The digest in a value that is not empty; nullopt if overlayfs would take it for malformed.
[[nodiscard]] std::optional<Digest> parse_metacopy(std::string_view value);

}  // namespace cfs
