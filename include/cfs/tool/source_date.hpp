// SPDX-License-Identifier: Apache-2.0
// SOURCE_DATE_EPOCH (reproducible-builds.org): the time that takes the place of the clock in what is made.
#pragma once

#include <cstdint>
#include <optional>

#include "cfs/base/result.hpp"

namespace cfs {

// Seconds since 1970, at most 2^31 - 1 (January 2038), which is what every field of ext4 holds; nullopt if
// the variable is not set. Code::usage for anything else.
[[nodiscard]] Result<std::optional<std::uint32_t>> source_date();

}  // namespace cfs
