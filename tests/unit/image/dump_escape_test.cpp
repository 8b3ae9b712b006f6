// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/dump_escape.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cfs::dump {
namespace {

std::string escaped(std::string_view bytes, char also = '\\') {
  std::string out;
  append_escaped(out, bytes, also);
  return out;
}

std::string optional(std::string_view bytes) {
  std::string out;
  append_optional(out, bytes);
  return out;
}

TEST(DumpEscape, EscapesWhatEndsAFieldOrCannotBePrinted) {
  EXPECT_EQ(escaped("plain=~!"), "plain=~!");
  EXPECT_EQ(escaped("\\\n\r\t"), R"(\\\n\r\t)");
  EXPECT_EQ(escaped(std::string_view(" \0\x7f\xff", 4)), R"(\x20\x00\x7f\xff)");
  EXPECT_EQ(escaped("a=b", '='), R"(a\x3db)");
}

TEST(DumpEscape, GivesEveryByteAgain) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    bytes += static_cast<char>(byte);
  }
  EXPECT_EQ(unescape(escaped(bytes)).value(), bytes);
  EXPECT_EQ(unescape(escaped(bytes, '=')).value(), bytes);
}

TEST(DumpEscape, TakesUpperCaseDigits) {
  EXPECT_EQ(unescape(R"(\xfF\x4A)").value(), "\xffJ");
}

TEST(DumpEscape, TellsUnsetFromADash) {
  EXPECT_EQ(unescape_optional("-").value(), std::nullopt);
  EXPECT_EQ(unescape_optional(R"(\x2d)").value(), "-");
  EXPECT_EQ(unescape_optional("").value(), "");
  EXPECT_EQ(optional(""), "-");
  EXPECT_EQ(optional("-"), R"(\x2d)");
  EXPECT_EQ(optional("--"), "--");
}

TEST(DumpEscape, RefusesWhatIsNoEscape) {
  for (const auto* field :
       {R"(a\)", R"(\a)", R"(\x)", R"(\x1)", R"(\x1g)", R"(\x-1)", R"(\x+1)", R"(\X41)"}) {
    const auto bytes = unescape(field);
    ASSERT_FALSE(bytes.has_value()) << field;
    EXPECT_EQ(bytes.error().code(), Code::unsupported_input);
  }
  EXPECT_EQ(unescape(R"(a\qbcdef)").error().what(), R"("\qbc" is not an escape)");
  EXPECT_FALSE(unescape_optional(R"(\)").has_value());
}

}  // namespace
}  // namespace cfs::dump
