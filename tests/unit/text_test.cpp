#include "cfs/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace cfs {
namespace {

TEST(Text, CatJoinsStringsCharactersAndNumbers) {
  EXPECT_EQ(cat(), "");
  EXPECT_EQ(cat("a", 'b', std::string("c"), std::string_view("d"), 1, -2, 3U), "abcd1-23");
  EXPECT_EQ(cat(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(cat(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
}

TEST(Text, ParseDecimal) {
  EXPECT_EQ(parse_decimal<unsigned>("0"), 0U);
  EXPECT_EQ(parse_decimal<std::uint8_t>("255"), std::uint8_t{255});
  EXPECT_EQ(parse_decimal<std::uint64_t>("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  for (const std::string_view text : {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "a", "4294967296"}) {
    EXPECT_EQ(parse_decimal<std::uint32_t>(text), std::nullopt) << text;
  }
}

TEST(Text, Split) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), std::vector<std::string_view>{""});
  EXPECT_EQ(split(",", ','), (std::vector<std::string_view>{"", ""}));
}

TEST(Text, Hexadecimal) {
  EXPECT_EQ(to_hex(std::vector<unsigned char>{0, 0x1f, 0xff}), "001fff");
  EXPECT_EQ(from_hex("001fff"), (std::vector<unsigned char>{0, 0x1f, 0xff}));
  EXPECT_EQ(from_hex(""), std::vector<unsigned char>{});
  for (const std::string_view text : {"0", "0g", "FF", "0x", " 0", "00 "}) {
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  }
}

TEST(Text, Printable) {
  EXPECT_EQ(printable("plain ~text"), "plain ~text");
  EXPECT_EQ(printable(std::string_view("\x1b[2J\n\0\xc3", 7)), "\\x1b[2J\\x0a\\x00\\xc3");
  EXPECT_EQ(printable(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(printable(std::string(201, 'x')), std::string(200, 'x') + "...");
}

}  // namespace
}  // namespace cfs
