// SPDX-License-Identifier: Apache-2.0
// UUIDs that follow from what they name (RFC 9562, version 8): the same input gives the same UUID everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};  // in the order in which the text has them

  // "6ba7b810-9dad-11d1-80b4-00c04fd430c8", lower case.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const Uuid&, const Uuid&) = default;
};

// SHA-256 of `text`: 32 bytes. Code::io_error if OpenSSL cannot.
[[nodiscard]] Result<std::string> sha256(std::string_view text);

// The UUID of the thing that is called `purpose` in whatever `content` identifies. Errors as sha256().
[[nodiscard]] Result<Uuid> derive_uuid(std::string_view content, std::string_view purpose);

}  // namespace cfs
