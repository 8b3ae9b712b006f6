#include "cfs/cmdline.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace cfs
