// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/text.hpp"

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

TEST(FromUtf16, WritesUtf8) {
  EXPECT_EQ(from_utf16({"a\0\xe4\0\xac\x20", 6}), "a\xc3\xa4\xe2\x82\xac");
  EXPECT_EQ(from_utf16({"\x3d\xd8\x97\xde", 4}), "\xf0\x9f\x9a\x97");  // a pair
  EXPECT_EQ(from_utf16({"\x3d\xd8z\0", 4}), "\xed\xa0\xbdz");          // the first half of one
  EXPECT_EQ(from_utf16({"\x3d\xd8", 2}), "\xed\xa0\xbd");
  EXPECT_EQ(from_utf16({"a\0\0\0b\0", 6}), "a");
  EXPECT_EQ(from_utf16("a"), "");
  EXPECT_EQ(from_utf16(""), "");
}

TEST(TrimEnd, TakesWhiteSpaceAway) {
  EXPECT_EQ(trim_end(" a b \t\n"), " a b");
  EXPECT_EQ(trim_end("a"), "a");
  EXPECT_EQ(trim_end(" \n"), "");
  EXPECT_EQ(trim_end(""), "");
}

TEST(UuidText, IsLowerCase) {
  EXPECT_EQ(uuid_text({"\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8", 16}),
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
}

}  // namespace
}  // namespace cfs
