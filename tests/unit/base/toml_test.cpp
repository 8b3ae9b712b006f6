// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/toml.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

constexpr auto code = Code::policy_malformed;

TomlTable parsed(std::string_view text) {
  auto table = TomlTable::parse(text, code);
  EXPECT_TRUE(table) << (table ? "" : table.error().what());
  return std::move(*table);
}

std::string refusal(std::string_view text) {
  const auto table = TomlTable::parse(text, code);
  EXPECT_FALSE(table) << text;
  if (table) {
    return {};
  }
  EXPECT_EQ(table.error().code(), code);
  return table.error().what();
}

TEST(Toml, GivesEveryType) {
  auto table = parsed("s = \"x\"\nn = 7\nb = true\nl = [\"a\", \"b\"]\n[t]\ns = \"y\"\n");
  EXPECT_EQ(table.string("s").value(), "x");
  EXPECT_EQ(table.number("n").value(), 7U);
  EXPECT_EQ(table.boolean("b").value(), true);
  EXPECT_EQ(table.strings("l").value(), (std::vector<std::string>{"a", "b"}));
  auto inner = table.table("t").value().value();
  EXPECT_EQ(inner.required(inner.string("s").value(), "s").value(), "y");
  EXPECT_TRUE(inner.finish());
  EXPECT_TRUE(table.finish());
}

TEST(Toml, GivesWhatAWordStandsFor) {
  constexpr auto sizes = std::to_array<Word<int>>({{3, "large"}, {1, "small"}, {2, "medium"}});
  auto table = parsed("a = \"small\"\nb = \"medium\"\n[t]\nc = \"tiny\\t\"\nd = \"Small\"\ne = 1\n");
  EXPECT_EQ(table.word("a", sizes).value(), 1);
  EXPECT_EQ(table.place_among("b", only_words(sizes)).value(), 2U);
  EXPECT_EQ(table.word("absent", sizes).value(), std::nullopt);
  auto inner = table.table("t").value().value();
  EXPECT_EQ(inner.word("d", sizes).error().what(), "t.d is \"Small\", not large, small or medium");
  EXPECT_EQ(inner.word("e", sizes).error().what(), "t.e must be a string");
  EXPECT_FALSE(inner.word("c", sizes));
  EXPECT_TRUE(table.finish());
}

TEST(Toml, AbsentKeysAreNothingOrMissing) {
  auto table = parsed("");
  EXPECT_EQ(table.string("s").value(), std::nullopt);
  EXPECT_EQ(table.number("n").value(), std::nullopt);
  EXPECT_EQ(table.boolean("b").value(), std::nullopt);
  EXPECT_EQ(table.strings("l").value(), std::nullopt);
  EXPECT_FALSE(table.table("t").value());
  const auto missing = table.required(table.string("s").value(), "s");
  EXPECT_EQ(missing.error().what(), "s is missing");
  EXPECT_EQ(missing.error().code(), code);
}

TEST(Toml, WrongTypesAreErrorsThatNameTheKey) {
  auto table = parsed(
      "[t]\ns = 1\nn = \"1\"\nf = 1.0\nb = 1\nl = \"a\"\nm = [\"a\", 1]\ne = [[\"a\"]]\nd = 2026-11-24\nu = "
      "1\n");
  auto inner = table.table("t").value().value();
  EXPECT_EQ(inner.string("s").error().what(), "t.s must be a string");
  EXPECT_FALSE(inner.number("n"));
  EXPECT_FALSE(inner.number("f"));
  EXPECT_FALSE(inner.boolean("b"));
  EXPECT_FALSE(inner.strings("l"));
  EXPECT_FALSE(inner.strings("m"));
  EXPECT_FALSE(inner.strings("e"));
  EXPECT_FALSE(inner.string("d"));
  EXPECT_FALSE(inner.table("u"));
}

TEST(Toml, NumbersAreNotNegativeAndFit) {
  auto table = parsed("n = -1\nz = 0\nm = 9223372036854775807\n");
  EXPECT_FALSE(table.number("n"));
  EXPECT_EQ(table.number("z").value(), 0U);
  EXPECT_EQ(table.number("m").value(), 9223372036854775807U);
  refusal("n = 9223372036854775808\n");
}

TEST(Toml, UnaskedKeysAreErrors) {
  auto table = parsed("[t]\nknown = 1\nunknown = 2\n");
  auto inner = table.table("t").value().value();
  EXPECT_TRUE(inner.number("known"));
  EXPECT_EQ(inner.finish().error().what(), "t.unknown is not a key that is known here");
  EXPECT_TRUE(table.finish());
}

TEST(Toml, AllStrings) {
  auto table = parsed("[a]\nx = \"1\"\n\"odd key\" = \"2\"\n[b]\nx = 1\n[c]\n\"\\u0007\" = \"1\"\n");
  EXPECT_EQ(table.table("a").value()->all_strings().value(),
            (std::map<std::string, std::string>{{"odd key", "2"}, {"x", "1"}}));
  EXPECT_FALSE(table.table("b").value()->all_strings());
  EXPECT_FALSE(table.table("c").value()->all_strings());
}

TEST(Toml, RefusesBytesThatAreNotPrintableAscii) {
  EXPECT_EQ(refusal("a = 1\ns = \"\xc3\xa9\"\n"), "line 2 holds a byte that is not printable ASCII");
  refusal(std::string_view("a\0b = 1", 7));
  refusal("a = 1\r\n");
  refusal("# \x7f\n");
  refusal("\xef\xbb\xbfx = 1\n");
}

TEST(Toml, RefusesEscapesThatAreNotPrintableAscii) {
  auto table = parsed("a = \"\\u0000\"\nb = \"\\n\"\nc = [\"\\u00e9\"]\nd = \"\\\\ \\\"\"\n");
  EXPECT_FALSE(table.string("a"));
  EXPECT_FALSE(table.string("b"));
  EXPECT_FALSE(table.strings("c"));
  EXPECT_EQ(table.string("d").value(), "\\ \"");
}

TEST(Toml, RefusesMalformedText) {
  for (const std::string_view text : {"[ = 1",       "=",
                                      "a",           "a =",
                                      "a = 1 b = 2", "a = 1\na = 2",
                                      "[t]\n[t]",    "[t",
                                      "a = \"x",     "a = [1,",
                                      "a = {b = 1",  "a.b = 1\na = 2",
                                      "a = 0x",      "[[t]]\n[t]",
                                      "a = '''",     "[]",
                                      "[.]",         "a = 1979-13-41",
                                      "a = \"\\q\"", "a = \"\\ud800\""}) {
    refusal(text);
  }
}

TEST(Toml, LimitsDepth) {
  const auto nested = [](std::size_t depth) {
    return "a = " + std::string(depth, '[') + std::string(depth, ']') + "\n";
  };
  EXPECT_TRUE(TomlTable::parse(nested(4), code));
  refusal(nested(100));
  std::string dotted = "a";
  for (int i = 0; i < 30000; ++i) {
    dotted += ".a";
  }
  EXPECT_EQ(refusal(dotted + " = 1\n"), "line 1 is longer than 1024 bytes");
  EXPECT_EQ(refusal("x = 1\n[" + dotted + "]\n"), "line 2 is longer than 1024 bytes");
}

TEST(Toml, QuotesSoThatItReadsBack) {
  const std::string all = R"( !"#$%&'()*+,-./09:;<=>?@AZ[\]^_`az{|}~)";
  EXPECT_EQ(parsed("a = " + toml_quote(all)).string("a").value(), all);
  EXPECT_EQ(toml_quote(""), "\"\"");
}

}  // namespace
}  // namespace cfs
