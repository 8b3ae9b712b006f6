// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/json.hpp"

#include <span>

namespace cfs {

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += cat("\\u00", to_hex(std::span(&byte, 1)));
    }
  }
  return out + '"';
}

Json& Json::raw(std::string_view name, std::string_view value) {
  return item(cat(json_quote(name), layout_ == Layout::spaced ? ": " : ":", value));
}

Json& Json::item(std::string_view value) {
  const bool first = text_.size() == 1;
  text_ += cat(first ? "" : ",",
               layout_ == Layout::lines              ? "\n"
               : layout_ == Layout::spaced && !first ? " "
                                                     : "",
               value);
  return *this;
}

std::string Json::str() const {
  const bool ends_line = layout_ == Layout::lines && text_.size() > 1;
  return cat(text_, ends_line ? "\n" : "", close_);
}

}  // namespace cfs
