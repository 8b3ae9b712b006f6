// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/text.hpp"

#include <cstdint>

#include "cfs/base/little_endian.hpp"

namespace cfs {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_utf8(std::string& text, std::uint32_t point) {
  const auto following = [&](unsigned shift) { text += static_cast<char>(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xC0 | point >> 6);
    following(0);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xE0 | point >> 12);
    following(6);
    following(0);
  } else {
    text += static_cast<char>(0xF0 | point >> 18);
    following(12);
    following(6);
    following(0);
  }
}

}  // namespace

std::string detail::join(std::initializer_list<std::string_view> pieces) {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) {
    size += piece.size();
  }
  std::string joined;
  joined.reserve(size);
  for (const std::string_view piece : pieces) {
    joined += piece;
  }
  return joined;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const auto end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return pieces;
    }
    text.remove_prefix(end + 1);
  }
}

std::string to_octal(unsigned number) {
  char digits[12];
  return {digits, std::to_chars(digits, digits + sizeof digits, number, 8).ptr};
}

std::string to_hex(std::span<const unsigned char> bytes) {
  std::string hex(bytes.size() * 2, '\0');
  char* digit = hex.data();
  for (const unsigned char byte : bytes) {
    *digit++ = hex_digits[byte >> 4];
    *digit++ = hex_digits[byte & 15];
  }
  return hex;
}

std::optional<std::vector<unsigned char>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return std::nullopt;
  }
  std::vector<unsigned char> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = hex_digits.find(text[i]);
    const auto low = hex_digits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<unsigned char>(high << 4 | low));
  }
  return bytes;
}

std::string uuid_text(std::string_view bytes) {
  std::string text = to_hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  for (const std::size_t position : {8U, 13U, 18U, 23U}) {
    text.insert(position, 1, '-');
  }
  return text;
}

std::string from_utf16(std::string_view bytes) {
  const auto unit = [&](std::size_t i) -> std::uint32_t {
    return i + 1 < bytes.size() ? little_endian<std::uint16_t>(bytes, i) : 0;
  };
  std::string text;
  for (std::size_t i = 0; unit(i) != 0; i += 2) {
    std::uint32_t point = unit(i);
    if (point >> 10 == 0xD800 >> 10 && unit(i + 2) >> 10 == 0xDC00 >> 10) {
      i += 2;
      point = 0x10000 + ((point & 0x3FF) << 10) + (unit(i) & 0x3FF);
    }
    append_utf8(text, point);
  }
  return text;
}

std::string_view trim_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t\n\v\f\r") + 1);
}

std::string printable(std::string_view text) {
  constexpr std::size_t longest = 200;
  std::string out;
  for (const char c : text.substr(0, longest)) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\x";
      out += hex_digits[byte >> 4];
      out += hex_digits[byte & 15];
    }
  }
  if (text.size() > longest) {
    out += "...";
  }
  return out;
}

}  // namespace cfs
