// SPDX-License-Identifier: Apache-2.0
// What to do about an error where images are made. On a device the same code has other causes and other
// remedies (cfs::advice()): there, a file that a store must not have is a sign of tampering, here it was put
// there by mistake.
#pragma once

#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

// A clause without a final full stop. For codes that mean the same at both places, the device's.
[[nodiscard]] std::string_view host_advice(Code code) noexcept;

}  // namespace cfs
