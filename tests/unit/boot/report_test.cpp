// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/manual_page.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(ReportJson, SaysWhatHappened) {
  StageClock clock;
  clock.end<Stage::policy>();
  clock.end<Stage::verify>();
  Report report;
  report.stages = clock.stages();
  report.image.image_id = "demo \"quoted\"";
  report.image.security_version = 7;
  report.candidate.manifest = "demo";
  report.candidate.slot = "previous";
  report.signers = {"aa", "bb"};
  report.refused.push_back({{"newer", "current"}, Error(Code::signature_untrusted, "because\nof this")});
  report.etc = EtcMode::overlay;
  report.var = VarMode::bind;
  report.root = RootMode::transient;
  report.state = {.machine_id = MachineId::kept, .etc_upper = EtcUpper::copied, .factory_reset = true};
  report.kernel_features = {"erofs-file"};
  report.store_device = "/dev/vda1";
  report.read_ahead = true;
  report.open_doors = {"gpt-auto"};
  report.mounts = {{.id = 7, .device = "0:40", .root = "/", .path = "/"},
                   {.id = 8, .device = "254:2", .root = "/state/var", .path = "/var"}};

  const auto json = nlohmann::json::parse(report.json());
  EXPECT_EQ(json["image"]["id"], "demo \"quoted\"");
  EXPECT_EQ(json["image"]["security-version"], 7);
  EXPECT_EQ(json["image"]["digest"], Digest().text());
  EXPECT_EQ(json["image"]["slot"], "previous");
  EXPECT_EQ(json["signers"], nlohmann::json({"aa", "bb"}));
  ASSERT_EQ(json["refused"].size(), 1U);
  EXPECT_EQ(json["refused"][0]["code"], "signature-untrusted");
  EXPECT_EQ(json["refused"][0]["reason"], "because\nof this");
  EXPECT_EQ(json["state"]["etc"], "overlay");
  EXPECT_EQ(json["state"]["var"], "bind");
  EXPECT_EQ(json["state"]["root"], "transient");
  EXPECT_EQ(json["state"]["etc-upper"], "copied");
  EXPECT_EQ(json["state"]["machine-id"], "kept");
  EXPECT_EQ(json["state"]["factory-reset"], true);
  EXPECT_EQ(json["kernel"]["features"], nlohmann::json({"erofs-file"}));
  EXPECT_EQ(json["store"], nlohmann::json({{"device", "/dev/vda1"}, {"read-ahead", true}}));
  EXPECT_EQ(json["open-doors"], nlohmann::json({"gpt-auto"}));
  ASSERT_EQ(json["mounts"].size(), 2U);
  EXPECT_EQ(json["mounts"][1],
            nlohmann::json({{"path", "/var"}, {"device", "254:2"}, {"root", "/state/var"}}));
  ASSERT_EQ(json["stages"].size(), 2U);
  EXPECT_EQ(json["stages"][0]["stage"], "policy");
  EXPECT_EQ(json["stages"][1]["stage"], "verify");
  EXPECT_GE(json["stages"][1]["end_us"].get<long>(), json["stages"][0]["end_us"].get<long>());

  // The manual page describes each member.
  const auto described = items(manual_page("initrd/composefs-root-report.5"), "Cm");
  const auto flat = json.flatten();
  for (const auto& [path, value] : flat.items()) {
    for (const std::string_view name : split(std::string_view(path).substr(1), '/')) {
      EXPECT_TRUE(parse_decimal<unsigned>(name) || described.contains(std::string(name))) << path;
    }
  }
}

TEST(WriteReport, ReplacesAnOlderOne) {
  const TempDirectory directory;
  const auto reports = directory.path("reports");
  Report report;
  report.candidate.manifest = "first";
  ASSERT_TRUE(write_report(report, reports));
  for (const char* absent : {"/mounts", "/corruption-action", "/state-device"}) {
    EXPECT_FALSE(std::filesystem::exists(reports + absent)) << absent;
  }
  directory.write("reports/object-check", "of the first");
  directory.write("reports/state-device", "/dev/first");
  report.candidate.manifest = "second";
  report.corruption = CorruptionAction::reboot;
  report.mounts = {{.id = 7, .device = "0:40", .root = "/", .path = "/"}};
  ASSERT_TRUE(write_report(report, reports));
  EXPECT_EQ(read_bytes(reports + "/mounts"), "0:40 / /\n");
  EXPECT_EQ(read_bytes(reports + "/corruption-action"), "reboot");
  EXPECT_FALSE(std::filesystem::exists(reports + "/object-check"));
  EXPECT_FALSE(std::filesystem::exists(reports + "/state-device"));
  EXPECT_EQ(nlohmann::json::parse(read_bytes(reports + "/boot.json"))["image"]["manifest"], "second");
}

}  // namespace
}  // namespace cfs
