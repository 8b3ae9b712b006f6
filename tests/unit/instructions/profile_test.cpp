// SPDX-License-Identifier: Apache-2.0
#include "qemu/instructions/profile.hpp"

#include <gmock/gmock.h>

namespace cfs::instructions {
namespace {

using ::testing::HasSubstr;

constexpr auto kallsyms =
    "ffffffff81000100 t one\n"
    "ffffffff81000200 T two\n"
    "ffffffffc0000000 t load\t[erofs]\n";

constexpr auto blocks =
    "stage kernel-entry\n"
    "f0000 0 111\n"
    "stage init-entry\n"
    "ffffffff81000100 0 1000\n"
    "stage policy\n"
    "ffffffff81000104 0 10\n"
    "ffffffff81000200 0 20\n"
    "stage attached\n"
    "ffffffff81000208 0 30\n"
    "ffffffffc0000008 0 5\n"
    "7f0000001000 abc 7\n"
    "stage early-service\n"
    "ffffffff81000200 0 5000\n";

Result<Profile> profile_of(Stage from, Stage to) {
  CodeIndex index;
  index.add_kernel(kallsyms);
  return profile(blocks, {.from = from, .to = to}, index);
}

TEST(Profile, SumsWhatWasExecutedBetweenTwoStages) {
  const auto found = profile_of(Stage::init_entry, Stage::attached);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->instructions, 72U);
  ASSERT_EQ(found->functions.size(), 4U);
  EXPECT_EQ(found->functions[0].name, "kernel: two");
  EXPECT_EQ(found->functions[0].instructions, 50U);
  EXPECT_EQ(found->functions[1].name, "kernel: one");
  EXPECT_EQ(found->functions[1].instructions, 10U);
  EXPECT_EQ(found->functions[2].name, "code of no file");
  EXPECT_EQ(found->functions[3].name, "kernel module erofs: load");
  ASSERT_EQ(found->programs.size(), 3U);
  EXPECT_EQ(found->programs[0].name, "kernel");
  EXPECT_EQ(found->programs[0].instructions, 60U);
  EXPECT_THAT(text_of(*found, "title", 2), HasSubstr("title: 0.000 M instructions"));
  EXPECT_THAT(text_of(*found, "title", 2), HasSubstr(" 69.44 %  kernel: two"));
}

TEST(Profile, NeedsBothStagesInThisOrder) {
  for (const auto& [from, to] : {std::pair(Stage::attached, Stage::init_entry),
                                 {Stage::modules, Stage::attached},
                                 {Stage::attached, Stage::basic_target}}) {
    const auto found = profile_of(from, to);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), Code::not_found);
  }
}

TEST(Profile, RefusesWhatThePluginDoesNotWrite) {
  for (const char* text : {"stage policy\nxyz 0 1\n", "stage policy\n1 0\n", "stage policy\n1 0 -1\n"}) {
    const auto found = profile(text, {.from = Stage::policy, .to = Stage::verify}, CodeIndex());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), Code::unsupported_input) << text;
  }
}

TEST(ParseSpans, AreStagesByName) {
  const auto spans = parse_spans("init-entry:attached,attached:multi-user.target");
  ASSERT_TRUE(spans);
  ASSERT_EQ(spans->size(), 2U);
  EXPECT_EQ((*spans)[1].to, Stage::multi_user_target);
  EXPECT_TRUE(parse_spans("")->empty());
  for (const char* text : {"attached", "attached:", "a:b", "policy:verify:attached", "policy:verify,"}) {
    EXPECT_FALSE(parse_spans(text)) << text;
  }
}

}  // namespace
}  // namespace cfs::instructions
