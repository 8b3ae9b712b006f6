// SPDX-License-Identifier: Apache-2.0
#include "qemu/instructions/counts.hpp"

#include <gtest/gtest.h>

namespace cfs::instructions {
namespace {

TEST(Counts, AreOfTheStagesThatTheBootHas) {
  const auto counts = Counts::parse(
      "kernel-entry 1000 10 1 512\nattached 5000 20 4 8704\nmulti-user.target 9000 30 9 65536\n");
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->at(Stage::attached).value_or(StageCount()).instructions, 5000U);
  EXPECT_EQ(counts->at(Stage::attached).value_or(StageCount()).repeats, 20U);
  EXPECT_FALSE(counts->at(Stage::verify));
  const auto between = counts->between(Stage::kernel_entry, Stage::attached).value_or(StageCount());
  EXPECT_EQ(between.instructions, 4000U);
  EXPECT_EQ(between.repeats, 10U);
  EXPECT_EQ(between.read_requests, 3U);
  EXPECT_EQ(between.read_bytes, 8192U);
  EXPECT_FALSE(counts->between(Stage::attached, Stage::kernel_entry));
  EXPECT_FALSE(counts->between(Stage::kernel_entry, Stage::verify));
}

TEST(Counts, OfAStageThatEndsAgainAreTheFirst) {
  const auto counts = Counts::parse("policy 10 0 0 0\npolicy 20 0 0 0\n");
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->at(Stage::policy).value_or(StageCount()).instructions, 10U);
}

TEST(Counts, AreNotGuessed) {
  for (const char* text : {"policy 10\n", "policy 10 0 0\n", "policy 10 0 0 0 0\n", "policies 10 0 0 0\n",
                           "policy x 0 0 0\n", "policy 10 -1 0 0\n", "policy 10 0 0 x\n",
                           "policy 10 0 0 0\nverify 9 0 0 0\n", "policy 99999999999999999999 0 0 0\n"}) {
    const auto counts = Counts::parse(text);
    ASSERT_FALSE(counts) << text;
    EXPECT_EQ(counts.error().code(), Code::unsupported_input);
  }
}

}  // namespace
}  // namespace cfs::instructions
