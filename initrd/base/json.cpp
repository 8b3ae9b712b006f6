// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/json.hpp"

#include <span>

namespace cfs {

namespace {

bool is_plain(char c) noexcept {
  return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

// The whole report is written in every boot: what needs no escape is appended at once.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) {
      ++plain;
    }
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) {
      break;
    }
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\u00";
      out += to_hex(std::span(&byte, 1));
    }
  }
  out += '"';
}

}  // namespace

std::string json_quote(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

void Json::begin(std::string_view name) {
  begin();
  append_quoted(text_, name);
  text_ += layout_ == Layout::spaced ? ": " : ":";
}

void Json::begin() {
  const bool first = text_.size() == 1;
  if (!first) {
    text_ += ',';
  }
  if (layout_ == Layout::lines) {
    text_ += '\n';
  } else if (layout_ == Layout::spaced && !first) {
    text_ += ' ';
  }
}

Json& Json::raw(std::string_view name, std::string_view value) {
  begin(name);
  text_ += value;
  return *this;
}

Json& Json::text(std::string_view name, std::string_view value) {
  begin(name);
  append_quoted(text_, value);
  return *this;
}

Json& Json::item(std::string_view value) {
  begin();
  text_ += value;
  return *this;
}

std::string Json::str() const {
  const bool ends_line = layout_ == Layout::lines && text_.size() > 1;
  return cat(text_, ends_line ? "\n" : "", close_);
}

}  // namespace cfs
