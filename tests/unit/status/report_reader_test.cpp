// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/report_reader.hpp"

#include <gtest/gtest.h>

#include "cfs/boot/report.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(LoadBootReport, ReadsWhatABootHasWritten) {
  const TempDirectory directory;
  StageClock clock;
  clock.end<Stage::policy>();
  Report written;
  written.candidate.manifest = "demo";
  written.signers = {"aa"};
  written.mounts = {{.id = 7, .device = "0:40", .root = "/", .path = "/"}};
  written.stages = clock.stages();
  directory.write("run/composefs-root/boot.json", written.json());
  const auto report = load_boot_report(directory.path());
  ASSERT_TRUE(report) << report.error().what();
  EXPECT_EQ(report->manifest, "demo");
  EXPECT_EQ(report->digest, Digest().text());
  ASSERT_EQ(report->stages.size(), 1U);
  EXPECT_EQ(report->stages[0].name, "policy");
}

TEST(LoadBootReport, NamesTheFile) {
  const TempDirectory directory;
  const auto absent = load_boot_report(directory.path());
  EXPECT_EQ(absent.error().code(), Code::not_found);
  EXPECT_NE(absent.error().what().find("/run/composefs-root/boot.json is not there"), std::string::npos);
  directory.write("run/composefs-root/boot.json", "{\"format\": 2}");
  const auto other = load_boot_report(directory.path());
  EXPECT_EQ(other.error().code(), Code::report_malformed);
  EXPECT_EQ(other.error().what().find("boot.json: its format is not 1"), 0U);
}

}  // namespace
}  // namespace cfs
