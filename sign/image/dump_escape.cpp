// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/dump_escape.hpp"

#include <algorithm>
#include <charconv>

#include "cfs/base/text.hpp"

namespace cfs::dump {

namespace {

constexpr std::string_view letters = "\\nrt";
constexpr std::string_view meanings = "\\\n\r\t";

}  // namespace

Result<std::string> unescape(std::string_view field) {
  std::string out;
  out.reserve(field.size());
  while (!field.empty()) {
    const std::size_t plain = std::min(field.find('\\'), field.size());
    out += field.substr(0, plain);
    field.remove_prefix(plain);
    if (field.empty()) {
      break;
    }
    const auto letter = field.size() < 2 ? std::string_view::npos : letters.find(field[1]);
    if (letter != std::string_view::npos) {
      out += meanings[letter];
      field.remove_prefix(2);
      continue;
    }
    unsigned byte = 0;
    const bool hex = field.size() >= 4 && field[1] == 'x' &&
                     std::from_chars(field.data() + 2, field.data() + 4, byte, 16).ptr == field.data() + 4;
    if (!hex) {
      return fail(Code::unsupported_input, cat("\"", printable(field.substr(0, 4)), "\" is not an escape"));
    }
    out += static_cast<char>(byte);
    field.remove_prefix(4);
  }
  return out;
}

Result<std::optional<std::string>> unescape_optional(std::string_view field) {
  if (field == "-") {
    return std::nullopt;
  }
  std::string text = CFS_TRY(unescape(field));
  return text;
}

void append_escaped(std::string& out, std::string_view bytes, char also) {
  for (const char c : bytes) {
    const auto letter = meanings.find(c);
    if (letter != std::string_view::npos) {
      out += '\\';
      out += letters[letter];
    } else if (c > ' ' && c <= '~' && c != also) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += cat("\\x", to_hex({&byte, 1}));
    }
  }
}

void append_optional(std::string& out, std::string_view bytes) {
  if (bytes.empty()) {
    out += '-';
  } else if (bytes == "-") {
    out += "\\x2d";
  } else {
    append_escaped(out, bytes);
  }
}

}  // namespace cfs::dump
