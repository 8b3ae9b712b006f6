// SPDX-License-Identifier: Apache-2.0
// What a command prints: its result on standard output, and what else there is to say on standard error.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "cfs/base/json.hpp"
#include "cfs/base/result.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

// Code::io_error when it is known already that nobody gets it; main() looks again at the end.
[[nodiscard]] inline Result<> print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size()
             ? Result<>()
             : fail_errno(Code::io_error, "write to standard output");
}

// A line beside the result.
inline void note(std::string_view text) {
  static_cast<void>(std::fputs(cat("cfs-sign: ", text, '\n').c_str(), stderr));
}

// One line of a result for people.
[[nodiscard]] inline std::string line(std::string_view name, std::string_view value) {
  constexpr std::size_t column = 18;
  return cat(name, std::string(name.size() < column ? column - name.size() : 1, ' '), value, '\n');
}

// A result for programs.
[[nodiscard]] inline Result<> print_json(const Json& json) {
  return print(json.str() + '\n');
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
