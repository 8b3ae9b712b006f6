// SPDX-License-Identifier: Apache-2.0
// JSON (RFC 8259) as text, for what is only written: reading takes a library, which the initramfs does
// without.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "cfs/base/text.hpp"

namespace cfs {

// `text` as a JSON string, quotes included. Bytes that are not printable ASCII are written as \u00NN.
[[nodiscard]] std::string json_quote(std::string_view text);

// An object or an array under construction. Its members or items appear in the order in which they were
// added.
class Json {
 public:
  enum class Layout : std::uint8_t {
    compact,  // {"a":1,"b":2}
    spaced,   // {"a": 1, "b": 2}
    lines,    // compact, but each item begins a line, and so does the end unless there is no item
  };
  [[nodiscard]] static Json object(Layout layout = Layout::compact) { return {"{}", layout}; }
  [[nodiscard]] static Json array(Layout layout = Layout::compact) { return {"[]", layout}; }

  // A member of an object; `raw` takes a value that is JSON already.
  Json& raw(std::string_view name, std::string_view value);
  Json& text(std::string_view name, std::string_view value);
  Json& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  template <std::integral N>
    requires(!std::same_as<N, bool>)
  Json& number(std::string_view name, N value) {
    return raw(name, cat(value));
  }

  // An item of an array, JSON already.
  Json& item(std::string_view value);

  [[nodiscard]] std::string str() const;

 private:
  Json(std::string_view brackets, Layout layout)
      : text_(1, brackets.front()), close_(brackets.back()), layout_(layout) {}

  // What stands before an item, or before the value of a member.
  void begin();
  void begin(std::string_view name);

  std::string text_;
  char close_;
  Layout layout_;
};

// An array of strings.
template <class Strings>
[[nodiscard]] std::string json_strings(const Strings& strings, Json::Layout layout = Json::Layout::compact) {
  Json array = Json::array(layout);
  for (const std::string_view string : strings) {
    array.item(json_quote(string));
  }
  return array.str();
}

}  // namespace cfs
