// SPDX-License-Identifier: Apache-2.0
#include "qemu/instructions/results.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace cfs::instructions {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Counts counts(const char* text) {
  return Counts::parse(text).value();
}

// Two contenders: one that lacks a stage, and one whose three runs differ.
Results results() {
  Results results{.qemu_version = "7.2.22", .cpu = "Haswell", .kernel_entry = "100000", .contenders = {}};
  results.contenders.push_back(
      {.name = "a",
       .initrd_bytes = 1000000,
       .runs = {
           counts("kernel-entry 1000000 0 1 512\ninit-entry 2000000 0 1 512\n"
                  "modules 2500000 0 1 512\nattached 3000000 1 9 1000512\n"),
           counts("kernel-entry 1000000 0 0 0\ninit-entry 2000000 0 0 0\nattached 3500000 1 7 2000000\n"),
           counts("kernel-entry 1000000 0 0 0\ninit-entry 2000000 0 0 0\nattached 3100000 1 8 3000000\n")}});
  results.contenders.push_back(
      {.name = "e",
       .initrd_bytes = 2000000,
       .runs = {counts("kernel-entry 1000000 0 0 0\ninit-entry 3000000 0 0 0\nattached 7000000 1 5 500000\n"
                       "multi-user.target 9000000 3 6 600000\n")}});
  results.contenders[0].timed = {{1, 5}, {2, 4}, {3, 9}};
  results.contenders[1].timed = {{4, 10}};
  results.contenders[1].timed_on_slow_disk = {{8, 20}};
  return results;
}

TEST(Range, HasTheMedianOfTheRunsWithBothStages) {
  const auto all = results();
  const auto found = range(all.contenders[0], Stage::kernel_entry, Stage::attached).value_or(Range());
  EXPECT_EQ(found.minimum, 2000000U);
  EXPECT_EQ(found.median, 2100000U);
  EXPECT_EQ(found.maximum, 2500000U);
  EXPECT_EQ(range(all.contenders[0], Stage::modules, Stage::attached).value_or(Range()).median, 500000U);
  EXPECT_FALSE(range(all.contenders[1], Stage::modules, Stage::attached));
}

TEST(Tables, HaveAColumnForEachContender) {
  EXPECT_THAT(stage_table(results()),
              AllOf(HasSubstr("1000000             2000000\n"),
                    HasSubstr("2.10 (0.50)         6.00 (0.00)\n"), HasSubstr("-         8.00 (0.00)\n")));
  EXPECT_THAT(stage_table(results()), Not(HasSubstr("verify")));
  EXPECT_THAT(conditions(results()),
              AllOf(HasSubstr("QEMU 7.2.22"), HasSubstr("Haswell"), HasSubstr("3 runs")));
}

TEST(PartTable, ComparesWithTheFirstThatHasThePart) {
  auto all = results();
  all.contenders[1].runs[0] = counts(
      "kernel-entry 1000000 0 0 0\ninit-entry 3000000 0 0 0\nmodules 4000000 0 0 0\n"
      "attached 7000000 1 5 500000\nearly-service 9000000 3 6 600000\n");
  all.contenders.push_back(
      {.name = "f",
       .runs = {counts("kernel-entry 0 0 0 0\nattached 0 1 0 0\nearly-service 3000000 3 9 600000\n")}});
  const std::string instructions = part_table(all, Figure::instructions);
  EXPECT_THAT(instructions, HasSubstr("1.10 (0.50)  1.000x       4.00 (0.00)  3.636x"));
  EXPECT_THAT(instructions, HasSubstr("-       2.00 (0.00)  1.000x       3.00 (0.00)  1.500x\n"));
  EXPECT_THAT(instructions, Not(HasSubstr("multi-user")));
  EXPECT_THAT(part_table(all, Figure::read_requests), HasSubstr("8 (1)  1.000x             5 (0)  0.625x"));
  EXPECT_THAT(part_table(all, Figure::read_bytes),
              HasSubstr("2.00 (2.00)  1.000x       0.50 (0.00)  0.250x"));
}

TEST(ReadTable, HasTheMedianOfRequestsAndOfMegabytes) {
  EXPECT_THAT(read_table(results()),
              AllOf(HasSubstr("8     2.00          5     0.50\n"), HasSubstr("-          6     0.60\n")));
}

TEST(TimeTable, ComparesWithTheFloor) {
  EXPECT_THAT(time_table(results()),
              AllOf(HasSubstr("2.00   0.50x        4.00   1.00x\n"),
                    HasSubstr("5.00   0.50x       10.00   1.00x\n"), HasSubstr("-       20.00   1.00x\n")));
}

TEST(Json, HasEveryFigure) {
  const auto all = nlohmann::json::parse(json(results()));
  EXPECT_EQ(all["contenders"].size(), 2U);
  EXPECT_EQ(all["contenders"][0]["runs"].size(), 3U);
  EXPECT_EQ(all["contenders"][1]["runs"][0]["multi-user.target"]["instructions"], 9000000);
  EXPECT_EQ(all["contenders"][1]["runs"][0]["multi-user.target"]["string-repeats"], 3);
  EXPECT_EQ(all["contenders"][1]["runs"][0]["multi-user.target"]["read-requests"], 6);
  EXPECT_EQ(all["contenders"][1]["runs"][0]["multi-user.target"]["read-bytes"], 600000);
  EXPECT_EQ(all["contenders"][1]["initramfs-bytes"], 2000000);
  EXPECT_EQ(all["contenders"][0]["timed-seconds"][2]["multi-user.target"], 9);
  EXPECT_EQ(all["contenders"][1]["timed-seconds-on-slow-disk"][0]["early-service"], 8);
}

TEST(Chart, HasABarForEachContender) {
  const std::string svg = chart(results());
  EXPECT_THAT(svg, AllOf(HasSubstr("<svg "), HasSubstr("</svg>\n"), HasSubstr("/init to attached: 1.1 M"),
                         HasSubstr("/init to attached: 4.0 M"), HasSubstr(">0.01 G<")));
}

}  // namespace
}  // namespace cfs::instructions
