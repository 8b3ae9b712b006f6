// SPDX-License-Identifier: Apache-2.0
// A command's result, on standard output.
#pragma once

#include <cstdio>
#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

// Code::io_error when it is known already that nobody gets it; main() looks again at the end.
[[nodiscard]] inline Result<> print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size()
             ? Result<>()
             : fail_errno(Code::io_error, "write to standard output");
}

}  // namespace cfs
