// SPDX-License-Identifier: Apache-2.0
// The words by which people write the values of an enumeration: one table for both directions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cfs {

// constexpr auto fruit_words = std::to_array<Word<Fruit>>({{Fruit::apple, "apple"}, {Fruit::pear, "pear"}});
// In the order in which people get to see them.
template <class Value>
struct Word {
  Value value;
  std::string_view word;
};

template <class Value, std::size_t count>
using Words = std::array<Word<Value>, count>;

// "" for a value that is not in the table.
template <class Value, std::size_t count>
[[nodiscard]] constexpr std::string_view word_of(const Words<Value, count>& words, Value value) noexcept {
  for (const Word<Value>& each : words) {
    if (each.value == value) {
      return each.word;
    }
  }
  return {};
}

template <class Value, std::size_t count>
[[nodiscard]] constexpr std::optional<Value> value_of(const Words<Value, count>& words,
                                                      std::string_view text) noexcept {
  for (const Word<Value>& each : words) {
    if (each.word == text) {
      return each.value;
    }
  }
  return std::nullopt;
}

template <class Value, std::size_t count>
[[nodiscard]] constexpr std::array<std::string_view, count> only_words(
    const Words<Value, count>& words) noexcept {
  std::array<std::string_view, count> only;
  for (std::size_t i = 0; i < count; ++i) {
    only[i] = words[i].word;
  }
  return only;
}

// "a", "a or b", "a, b or c".
[[nodiscard]] std::string list_words(std::span<const std::string_view> words);

}  // namespace cfs
