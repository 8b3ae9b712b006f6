// SPDX-License-Identifier: Apache-2.0
#include "cfs/doors/visible_cmdline.hpp"

#include <gtest/gtest.h>

#include "cfs/decision/cmdline_check.hpp"

namespace cfs {
namespace {

Policy policy_of(const std::string& text) {
  return parse_policy("image-id = \"demo\"\nstore = \"LABEL=store\"\n" + text).value();
}

constexpr auto all_open =
    "[doors]\n"
    "system-extensions = true\n"
    "configuration-extensions = true\n"
    "portable-services = true\n"
    "machines = true\n"
    "gpt-auto = true\n"
    "hibernation = true\n"
    "credentials = true\n"
    "efi-options = true\n";

TEST(VisibleCmdline, EndsWithTheWordsThatCloseDoors) {
  EXPECT_EQ(filter_cmdline("quiet console=ttyS0\n", policy_of("")),
            "quiet console=ttyS0 systemd.sysext=0 rd.systemd.sysext=0 systemd.confext=0 rd.systemd.confext=0 "
            "systemd.gpt_auto=0 rd.systemd.gpt_auto=0 noresume systemd.import_credentials=no\n");
}

TEST(VisibleCmdline, IsACommandLineForTheSameDevice) {
  const Policy policy = policy_of("");
  const std::string copy = filter_cmdline("quiet console=ttyS0\n", policy);
  EXPECT_TRUE(check_cmdline(copy, policy)) << check_cmdline(copy, policy).error().line();
  EXPECT_EQ(filter_cmdline(copy, policy), copy);
  EXPECT_TRUE(filter_cmdline("noresume=x systemd.sysext=0 systemd.sysext=1\n", policy)
                  .starts_with("noresume=x systemd.sysext=1 systemd.sysext=0 "));
}

TEST(VisibleCmdline, LeavesOutTheWordsOfAnOpenDoorAlone) {
  EXPECT_EQ(filter_cmdline("quiet\n", policy_of("[doors]\ngpt-auto = true\nsystem-extensions = true\n")),
            "quiet systemd.confext=0 rd.systemd.confext=0 noresume systemd.import_credentials=no\n");
}

TEST(VisibleCmdline, IsTheRealOneWhereThereIsNothingToDo) {
  for (const char* text : {"", "\n", " quiet  \"a b\"\n", "quiet"}) {
    EXPECT_EQ(filter_cmdline(text, policy_of(all_open)), text);
  }
}

TEST(VisibleCmdline, LeavesOutWhatThePolicyHides) {
  const Policy policy =
      policy_of(std::string("[cmdline]\nhide = [\"BOOT_IMAGE\", \"single=1\", \"vendor.*\"]\n") + all_open);
  EXPECT_EQ(filter_cmdline(
                "BOOT_IMAGE=/a boot-image=/b quiet single=1 single=2 vendor.a vendor.b=\"c d\" x\n", policy),
            "boot-image=/b quiet single=2 x\n");
  // For the kernel "-" and "_" are the same, and quotes are none of the word's.
  EXPECT_EQ(filter_cmdline("BOOT-IMAGE=/a \"BOOT_IMAGE=/a b\" \"single\"=1 x\n", policy), "x\n");
  EXPECT_EQ(filter_cmdline("single=1\n", policy), "\n");
}

TEST(VisibleCmdline, KeepsWordsAsTheyAreWritten) {
  EXPECT_EQ(filter_cmdline("a=\"b  c\"\t\"d e\"  f -- g\n",
                           policy_of(std::string("[cmdline]\nhide = [\"f\"]\n") + all_open)),
            "a=\"b  c\" \"d e\" -- g\n");
}

}  // namespace
}  // namespace cfs
