// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/words.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

enum class Fruit : std::uint8_t { apple, pear, plum };
constexpr auto fruit_words = std::to_array<Word<Fruit>>({{Fruit::pear, "pear"}, {Fruit::apple, "apple"}});

TEST(Words, AreFoundByValueAndByText) {
  static_assert(word_of(fruit_words, Fruit::apple) == "apple");
  static_assert(value_of(fruit_words, "pear") == Fruit::pear);
  for (const auto& [value, word] : fruit_words) {
    EXPECT_EQ(word_of(fruit_words, value), word);
    EXPECT_EQ(value_of(fruit_words, word), value);
  }
}

TEST(Words, AreWholeOnes) {
  for (const char* other : {"", "p", "pea", "pears", "Pear", "plum"}) {
    EXPECT_EQ(value_of(fruit_words, other), std::nullopt) << other;
  }
  EXPECT_EQ(word_of(fruit_words, Fruit::plum), "");
}

TEST(Words, AreListedInTheirOrder) {
  EXPECT_EQ(list_words(only_words(fruit_words)), "pear or apple");
  EXPECT_EQ(list_words({}), "");
  EXPECT_EQ(list_words(std::array<std::string_view, 1>{"a"}), "a");
  EXPECT_EQ(list_words(std::array<std::string_view, 4>{"a", "b", "c", "d"}), "a, b, c or d");
}

}  // namespace
}  // namespace cfs
