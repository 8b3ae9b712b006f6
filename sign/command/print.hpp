// SPDX-License-Identifier: Apache-2.0
// A command's result, on standard output.
#pragma once

#include <cstdio>
#include <string_view>
#include <utility>

#include "cfs/base/result.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

// Code::io_error when it is known already that nobody gets it; main() looks again at the end.
[[nodiscard]] inline Result<> print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size()
             ? Result<>()
             : fail_errno(Code::io_error, "write to standard output");
}

// A JSON array of any length, printed as its items come, each on a line of its own.
class PrintedArray {
 public:
  // `value` is JSON already.
  [[nodiscard]] Result<> item(std::string_view value) {
    return print(cat(std::exchange(separator_, ",\n"), value));
  }
  [[nodiscard]] Result<> end() const { return print(separator_ == first_ ? "[\n]" : "\n]"); }

 private:
  static constexpr std::string_view first_ = "[\n";
  std::string_view separator_ = first_;
};

}  // namespace cfs
