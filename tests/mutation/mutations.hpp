// SPDX-License-Identifier: Apache-2.0
// Single-line changes of C++ source as clang-format writes it, each of the kind that a slip or an attacker's
// patch is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cfs {

struct Mutation {
  std::size_t line = 0;  // from 1
  std::string kind;      // "negate"
  std::string before;    // the line, without its indentation
  std::string after;     // what stands there instead; empty: nothing
};

// All of them, in the order of the lines. Not all compile, and some alter nothing.
[[nodiscard]] std::vector<Mutation> mutations_of(std::string_view source);

// The source with that change.
[[nodiscard]] std::string mutated(std::string_view source, const Mutation& mutation);

}  // namespace cfs
