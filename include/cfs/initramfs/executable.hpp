// SPDX-License-Identifier: Apache-2.0
// What kind of program an ELF file is.
#pragma once

#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

// Code::unsupported_input unless `bytes` is an ELF executable (System V ABI, chapters 4 and 5; any class and
// byte order) that needs no dynamic linker, which an initramfs does not hold.
[[nodiscard]] Result<> check_static_executable(std::string_view bytes);

}  // namespace cfs
