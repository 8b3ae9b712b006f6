#include "qemu/instructions/counts.hpp"

#include <gtest/gtest.h>

namespace cfs::instructions {
namespace {

TEST(Counts, AreOfTheStagesThatTheBootHas) {
  const auto counts = Counts::parse("kernel-entry 1000 10\nattached 5000 20\nmulti-user.target 9000 30\n");
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->at(Stage::attached)->instructions, 5000U);
  EXPECT_EQ(counts->at(Stage::attached)->repeats, 20U);
  EXPECT_FALSE(counts->at(Stage::verify));
  EXPECT_EQ(counts->between(Stage::kernel_entry, Stage::attached), 4000U);
  EXPECT_FALSE(counts->between(Stage::attached, Stage::kernel_entry));
  EXPECT_FALSE(counts->between(Stage::kernel_entry, Stage::verify));
}

TEST(Counts, OfAStageThatEndsAgainAreTheFirst) {
  const auto counts = Counts::parse("policy 10 0\npolicy 20 0\n");
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->at(Stage::policy)->instructions, 10U);
}

TEST(Counts, AreNotGuessed) {
  for (const char* text :
       {"policy 10\n", "policy 10 0 0\n", "policies 10 0\n", "policy x 0\n", "policy 10 -1\n",
        "policy 10 0\nverify 9 0\n", "policy 99999999999999999999 0\n"}) {
    const auto counts = Counts::parse(text);
    ASSERT_FALSE(counts) << text;
    EXPECT_EQ(counts.error().code(), Code::unsupported_input);
  }
}

}  // namespace
}  // namespace cfs::instructions
