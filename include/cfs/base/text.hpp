// SPDX-License-Identifier: Apache-2.0
// Small text helpers that need neither iostream nor locale.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cfs {

namespace detail {
struct Digits {
  char text[24];
  std::size_t length;
  operator std::string_view() const noexcept { return {text, length}; }
};
inline std::string_view piece(std::string_view part) noexcept {
  return part;
}
inline std::string_view piece(const char& part) noexcept {
  return {&part, 1};
}
template <std::integral N>
  requires(!std::same_as<N, char> && !std::same_as<N, bool>)
Digits piece(N part) noexcept {
  Digits digits;
  digits.length =
      static_cast<std::size_t>(std::to_chars(digits.text, std::end(digits.text), part).ptr - digits.text);
  return digits;
}
[[nodiscard]] std::string join(std::initializer_list<std::string_view> pieces);
}  // namespace detail

// Joins strings, characters and integers (in decimal). What it does is done out of line: there are hundreds
// of calls, each with other types.
template <class... Parts>
[[nodiscard]] std::string cat(const Parts&... parts) {
  return detail::join({detail::piece(parts)...});
}

// The whole of `text` as a decimal number without sign or blanks; nullopt if it is anything else or does not
// fit.
template <std::unsigned_integral N>
[[nodiscard]] std::optional<N> parse_decimal(std::string_view text) {
  N value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

// The pieces of `text` between separators; "a,,b" gives three, "" gives one empty piece.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// Octal, without a leading zero.
[[nodiscard]] std::string to_octal(unsigned number);

// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::span<const unsigned char> bytes);

// The bytes that an even number of lower-case hexadecimal digits names; nullopt for any other text.
[[nodiscard]] std::optional<std::vector<unsigned char>> from_hex(std::string_view text);

// 16 bytes as "6ba7b810-9dad-11d1-80b4-00c04fd430c8", lower case.
[[nodiscard]] std::string uuid_text(std::string_view bytes);

// UTF-16, little-endian, up to the first NUL or the end, as UTF-8. What is no half of a pair is written
// alike.
[[nodiscard]] std::string from_utf16(std::string_view bytes);

// `text` without the ASCII white space at its end.
[[nodiscard]] std::string_view trim_end(std::string_view text);

// Text from an untrusted source made safe to print in one line: control and non-ASCII bytes become \xNN, and
// anything past 200 bytes becomes "...".
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace cfs
