// SPDX-License-Identifier: Apache-2.0
// Where the instructions of a part of a boot are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/base/stage_marker.hpp"
#include "code_index.hpp"

namespace cfs::instructions {

// From the end of one stage to that of another.
struct Span {
  Stage from;
  Stage to;
};

// "FROM:TO,…", by the names of stages; none of "". Code::usage.
[[nodiscard]] Result<std::vector<Span>> parse_spans(std::string_view text);

struct Share {
  std::string name;
  std::uint64_t instructions = 0;
};

// Both by instructions, most first.
struct Profile {
  std::uint64_t instructions = 0;
  std::vector<Share> functions;  // "PROGRAM FUNCTION"
  std::vector<Share> programs;   // the same by program alone
};

// Of what the plugin wrote as `blocks`. Code::not_found when the boot lacks one of the stages, or has them in
// the other order; Code::unsupported_input for anything but lines of the plugin.
[[nodiscard]] Result<Profile> profile(std::string_view blocks, const Span& span, const CodeIndex& index);

// The title, the `rows` largest functions and programs, and their shares, for people.
[[nodiscard]] std::string text_of(const Profile& profile, const std::string& title, std::size_t rows);

}  // namespace cfs::instructions
