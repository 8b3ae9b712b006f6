// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/cmdline.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <cstring>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

// "name", "name=value" for every parameter, joined by "|".
std::string joined(std::string_view text) {
  const auto cmdline = Cmdline::parse(text);
  std::string all;
  for (const Parameter& parameter : cmdline.parameters()) {
    all += (all.empty() ? "" : "|") + parameter.name + (parameter.value ? "=" + *parameter.value : "");
  }
  return all;
}

TEST(Cmdline, HasWordsAsTheyAreWritten) {
  using Words = std::vector<std::string_view>;
  EXPECT_EQ(cmdline_words(" a  b=\"c d\"\t\"e f\"=g\v-- h\n"),
            (Words{"a", "b=\"c d\"", "\"e f\"=g", "--", "h"}));
  EXPECT_EQ(cmdline_words("a \"b c"), (Words{"a", "\"b c"}));
  EXPECT_EQ(cmdline_words("a\n\"\""), (Words{"a", "\"\""}));
  EXPECT_TRUE(cmdline_words(" \n").empty());
}

TEST(Cmdline, SplitsAtBlanks) {
  EXPECT_EQ(joined(""), "");
  EXPECT_EQ(joined(" \n"), "");
  EXPECT_EQ(joined("quiet root=/dev/vda2 ro\n"), "quiet|root=/dev/vda2|ro");
  EXPECT_EQ(joined("a\tb\vc\fd\re"), "a|b|c|d|e");
}

TEST(Cmdline, SplitsAtTheKernelsLatin1Space) {
  EXPECT_EQ(joined("x\xa0sysctl.y=1"), "x|sysctl.y=1");
}

TEST(Cmdline, QuotesProtectBlanksAndAreRemoved) {
  EXPECT_EQ(joined(R"(a="b c" "d=e f" g)"), "a=b c|d=e f|g");
  EXPECT_EQ(joined(R"(systemd.debug"_"shell)"), "systemd.debug_shell");
  EXPECT_EQ(joined(R"(x="")"), "x=");
}

TEST(Cmdline, UnbalancedQuoteEndsWithTheText) {
  EXPECT_EQ(joined("a=\"b c"), "a=b c");
  EXPECT_EQ(joined("\""), "");
}

TEST(Cmdline, ValueMayHoldEqualsSigns) {
  EXPECT_EQ(joined("root=UUID=1-2 =x"), "root=UUID=1-2|=x");
}

TEST(Cmdline, LooksPastTheKernelsPart) {
  const auto cmdline = Cmdline::parse("quiet -- systemd.unit=rescue.target");
  EXPECT_EQ(cmdline.value("systemd.unit"), "rescue.target");
}

TEST(Cmdline, LastValueCounts) {
  const auto cmdline = Cmdline::parse("init=/a composefs.slot=next init=/b init quiet");
  EXPECT_EQ(cmdline.value("init"), "/b");
  EXPECT_EQ(cmdline.value("composefs.slot"), "next");
  EXPECT_EQ(cmdline.value("quiet"), std::nullopt);
  EXPECT_EQ(cmdline.value("absent"), std::nullopt);
}

TEST(Cmdline, DashAndUnderscoreAreTheSameInNames) {
  EXPECT_EQ(Cmdline::parse("a-b_c=1").value("a_b-c"), "1");
  EXPECT_TRUE(same_parameter("systemd.debug-shell", "systemd.debug_shell"));
  EXPECT_FALSE(same_parameter("systemd.debug-shell", "systemd.debug_shel"));
  EXPECT_FALSE(same_parameter("INIT", "init"));
}

Parameter parameter(std::string_view text) {
  const auto cmdline = Cmdline::parse(text);
  return cmdline.parameters().at(0);
}

TEST(WordPattern, MatchesAName) {
  const auto pattern = WordPattern::parse("net.if-names").value();
  for (const std::string_view word : {"net.if-names", "net.if_names", "net.if-names=0", "net.if_names="}) {
    EXPECT_TRUE(pattern.matches(parameter(word))) << word;
  }
  for (const std::string_view word : {"net.if-name", "net.if-names2", "rd.net.if-names", "Net.if-names"}) {
    EXPECT_FALSE(pattern.matches(parameter(word))) << word;
  }
}

TEST(WordPattern, MatchesAValue) {
  const auto pattern = WordPattern::parse("a=b=c").value();
  EXPECT_TRUE(pattern.matches(parameter("a=b=c")));
  for (const std::string_view word : {"a", "a=", "a=b", "a=b=c=", "a=B=c", "A=b=c"}) {
    EXPECT_FALSE(pattern.matches(parameter(word))) << word;
  }
  EXPECT_TRUE(WordPattern::parse("a=").value().matches(parameter("a=")));
  EXPECT_FALSE(WordPattern::parse("a=").value().matches(parameter("a")));
}

TEST(WordPattern, MatchesAPrefix) {
  const auto pattern = WordPattern::parse("udev.*").value();
  for (const std::string_view word : {"udev.log-level=3", "udev.x", "udev.x.y=z"}) {
    EXPECT_TRUE(pattern.matches(parameter(word))) << word;
  }
  for (const std::string_view word : {"udev", "udev.", "udev.=x", "udevx", "rd.udev.x"}) {
    EXPECT_FALSE(pattern.matches(parameter(word))) << word;
  }
}

TEST(WordPattern, IsWrittenAsItIsRead) {
  for (const std::string_view text : {"quiet", "a=b", "a=", "udev.*", "a.b.*"}) {
    EXPECT_EQ(WordPattern::parse(text).value().text(), text);
  }
}

TEST(WordPattern, RefusesWhatIsNone) {
  for (const std::string_view text : {"", "*", ".*", "a*", "a=*", "a=b.*", "a.*b", "=b", "a b", "a\"b", "a'b",
                                      "a\\b", "a\n", "a$b", "a\xe9", "\x01"}) {
    EXPECT_FALSE(WordPattern::parse(text)) << text;
  }
}

TEST(Cmdline, IsReadBelowARootDirectory) {
  const TempDirectory directory;
  EXPECT_EQ(read_visible_cmdline(directory.path()).error().code(), Code::not_found);
  directory.write("proc/cmdline", "quiet a=b\n");
  EXPECT_EQ(read_visible_cmdline(directory.path()).value(), "quiet a=b\n");
}

TEST(Cmdline, PlainWordsHoldNothingThatAShellOrAParserActsOn) {
  EXPECT_TRUE(is_plain_word("root=PARTUUID=0a-1b,x:/dev/sd_a1+@%.2"));
  EXPECT_FALSE(is_plain_word(""));
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool plain =
        (byte < 128 && std::isalnum(byte) != 0) || (c != '\0' && std::strchr("._-,:/+=@%", c) != nullptr);
    EXPECT_EQ(is_plain_word(std::string("a") + c), plain) << byte;
  }
}

}  // namespace
}  // namespace cfs
