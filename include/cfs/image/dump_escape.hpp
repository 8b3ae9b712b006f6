// SPDX-License-Identifier: Apache-2.0
// How the fields of a dump hold any bytes: \\ \n \r \t \xNN for those that would end a field or cannot be
// printed, and "-" for a field that is unset (composefs-dump(5)).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs::dump {

// The bytes that a field stands for. Code::unsupported_input for a backslash that begins no escape.
[[nodiscard]] Result<std::string> unescape(std::string_view field);
// The same; nullopt for one that is unset.
[[nodiscard]] Result<std::optional<std::string>> unescape_optional(std::string_view field);

// The way back, in the one form that mkcomposefs writes. `also` is a character to escape besides: '=' ends
// the name of an attribute.
void append_escaped(std::string& out, std::string_view bytes, char also = '\\');
// The same for a field that is unset if it is empty.
void append_optional(std::string& out, std::string_view bytes);

}  // namespace cfs::dump
