// SPDX-License-Identifier: Apache-2.0
#include "qemu/console.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

std::string text_of(std::string_view bytes) {
  return ConsoleText().add(bytes);
}

TEST(ConsoleText, KeepsText) {
  EXPECT_EQ(text_of("a\tb\n\xc3\xa4"), "a\tb\n\xc3\xa4");
}

TEST(ConsoleText, DropsControlCharacters) {
  using namespace std::literals;
  EXPECT_EQ(text_of("login:\r\n\0\x07\x08\x7f ok\r"sv), "login:\n ok");
}

TEST(ConsoleText, DropsEscapeSequences) {
  EXPECT_EQ(text_of("[\x1b[0;32m  OK  \x1b[0m] Started"), "[  OK  ] Started");
  EXPECT_EQ(text_of("\x1b[?2004h\x1b[6n# "), "# ");
  EXPECT_EQ(text_of("\x1b]0;title\x07"
                    "a\x1b]3008;start=1\x1b\\b"),
            "ab");
  EXPECT_EQ(text_of("\x1b(Ba\x1b"
                    "cb"),
            "ab");
}

TEST(ConsoleText, ASequenceMayArriveInPieces) {
  const std::string_view bytes = "1\x1b[0;32m2\x1b]0;t\x1b\\3\x1b(B4\r\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    ConsoleText console;
    const std::string first = console.add(bytes.substr(0, cut));
    EXPECT_EQ(first + console.add(bytes.substr(cut)), "1234\n") << cut;
  }
}

TEST(LastLines, GivesAtMostSoMany) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc");
  EXPECT_EQ(last_lines("a\nb\nc", 2), "b\nc");
  EXPECT_EQ(last_lines("a\nb", 2), "a\nb");
  EXPECT_EQ(last_lines("a\nb", 5), "a\nb");
  EXPECT_EQ(last_lines("a\n\n\n", 2), "\n");
  EXPECT_EQ(last_lines("\na", 1), "a");
  EXPECT_EQ(last_lines("\na", 2), "\na");
  EXPECT_EQ(last_lines("", 3), "");
}

}  // namespace
}  // namespace cfs
