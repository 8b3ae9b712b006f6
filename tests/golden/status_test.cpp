// SPDX-License-Identifier: Apache-2.0
// Runs `cfs-sign status`, `cfs-sign boot-chart` and `cfs-sign factory-reset` on what a boot left,
// tests/golden/status, and on what it could have become.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

using ::testing::HasSubstr;

constexpr auto fixture = CFS_SOURCE "/tests/golden/status";
constexpr auto report = "run/composefs-root/boot.json";
constexpr auto mounts = "proc/self/mountinfo";

// What the fixture tells: of another manifest that was refused first.
constexpr int fell_back = 3;

class Status : public ::testing::Test {
 protected:
  Status() { must({"cp", "-r", fixture, root_}); }

  // Exactly one place of the file must have the old text.
  void replace(const std::string& file, const std::string& old_text, const std::string& new_text) const {
    std::string text = read_bytes(root_ / file);
    const auto at = text.find(old_text);
    ASSERT_NE(at, std::string::npos) << old_text;
    ASSERT_EQ(text.find(old_text, at + 1), std::string::npos) << old_text;
    write(root_ / file, text.replace(at, old_text.size(), new_text));
  }
  void add_mount(const std::string& line) const {
    write(root_ / mounts, read_bytes(root_ / mounts) + line + '\n');
  }

  [[nodiscard]] Outcome status(const std::vector<std::string>& options = {}) const {
    std::vector<std::string> command{cfs_sign_program, "status", "--root", root_};
    command.insert(command.end(), options.begin(), options.end());
    return run(command);
  }

  void expect_replaced(const std::string& words) const {
    const Outcome outcome = status();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, ::testing::StartsWith("cfs-sign: root-replaced: " + words));
    EXPECT_THAT(outcome.output, HasSubstr("now               " + words));
  }
  void expect_malformed() const {
    const Outcome outcome = status();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("report-malformed"));
    EXPECT_EQ(outcome.output, "");
  }

  Workshop workshop_;
  std::filesystem::path root_ = workshop_ / "root";
};

TEST_F(Status, SaysWhatRuns) {
  const Outcome outcome = status();
  EXPECT_EQ(outcome.status, fell_back) << outcome.errors;
  EXPECT_EQ(outcome.output, read_bytes(root_ / "expected.txt"));
}

TEST_F(Status, TellsAFallbackByItsExitStatus) {
  EXPECT_EQ(status({"--json"}).status, fell_back);
  const std::string text = read_bytes(root_ / report);
  const auto begin = text.find("[{\"manifest\": \"demo-8\"");
  const auto end = text.find("}]", begin) + 2;
  replace(report, text.substr(begin, end - begin), "[]");
  EXPECT_EQ(status().status, 0);
  replace(mounts, "0:26", "0:99");
  EXPECT_EQ(status().status, 1);
}

TEST_F(Status, SaysWhatTheCheckOfTheObjectsFound) {
  write(root_ / "run/composefs-root/object-check",
        "object-missing: /etc/fstab: its object is not in the store\n");
  EXPECT_THAT(status().output,
              HasSubstr("\nobjects           object-missing: /etc/fstab: its object is not in the store\n"));
}

TEST_F(Status, GivesTheReportAsJson) {
  const Outcome sound = status({"--json"});
  EXPECT_EQ(sound.status, fell_back) << sound.errors;
  auto json = nlohmann::json::parse(sound.output);
  EXPECT_EQ(json["as-recorded"], true);
  EXPECT_TRUE(json["problem"].is_null());
  EXPECT_EQ(json["doors"].size(), 9U);
  EXPECT_EQ(json["doors"][0],
            nlohmann::json(
                {{"door", "system-extensions"}, {"open", true}, {"by", "policy"}, {"problem", nullptr}}));
  EXPECT_EQ(
      json["doors"][6],
      nlohmann::json({{"door", "credentials"}, {"open", false}, {"by", nullptr}, {"problem", nullptr}}));
  EXPECT_EQ(json["lockdown"], "none");
  EXPECT_EQ(json["kexec"], "possible");
  EXPECT_EQ(json["objects"], "not checked yet");
  for (const char* member : {"as-recorded", "problem", "objects", "doors", "lockdown", "kexec"}) {
    json.erase(member);
  }
  EXPECT_EQ(json, nlohmann::json::parse(read_bytes(root_ / report)));

  replace(mounts, "0:26", "0:99");
  const Outcome other = status({"--json"});
  EXPECT_EQ(other.status, 1);
  json = nlohmann::json::parse(other.output);
  EXPECT_EQ(json["as-recorded"], false);
  EXPECT_THAT(json["problem"].get<std::string>(), HasSubstr("0:99, not 0:26"));
}

TEST_F(Status, NoticesAnotherRoot) {
  replace(mounts, "0:26", "0:99");
  expect_replaced("/ is not the mount that the boot made but overlay composefs-root (0:99, not 0:26)");
}

TEST_F(Status, NoticesARootThatDemandsNoDigests) {
  replace(mounts, "datadir+=/proc/self/fd/8,redirect_dir=on,verity=require,metacopy=on\n41",
          "datadir+=/proc/self/fd/8,redirect_dir=on,verity=on,metacopy=on\n41");
  expect_replaced("/ is not an overlay with verity=require");
}

TEST_F(Status, NoticesAnEtcThatDemandsNoDigests) {
  replace(mounts, "verity=require,metacopy=on\n42", "metacopy=on\n42");
  expect_replaced("/etc is not an overlay with verity=require");
}

TEST_F(Status, NoticesAMissingMount) {
  replace(mounts, "/composefs-state/var /var ", "/composefs-state/var /srv ");
  expect_replaced("nothing is mounted at /var");
}

TEST_F(Status, NoticesAnotherPartOfTheStateAtVar) {
  replace(mounts, "/composefs-state/var /var ", "/elsewhere /var ");
  expect_replaced("/var is not the mount that the boot made but ext4 /dev/vda2");
}

TEST_F(Status, NoticesAMountOverAVerifiedOne) {
  add_mount("50 41 0:40 / /etc rw - tmpfs evil rw");
  expect_replaced("/etc is not the mount that the boot made but tmpfs evil");
}

TEST_F(Status, NoticesOtherPrograms) {
  add_mount("50 40 0:40 / /usr/bin rw - tmpfs evil rw");
  expect_replaced("what is mounted at /usr/bin was not verified");
}

TEST_F(Status, TellsATransientRoot) {
  replace(report, "\"root\": \"none\"", "\"root\": \"transient\"");
  expect_replaced("the policy has state.root = \"transient\"");
}

TEST_F(Status, NoticesADoorThatWasOpenedSinceTheBoot) {
  replace("proc/cmdline", "systemd.import_credentials=no", "systemd.import_credentials=yes");
  constexpr auto problem = "/proc/cmdline has no systemd.import_credentials=no";
  const Outcome outcome = status();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors,
              ::testing::StartsWith(std::string("cfs-sign: door-open: the door credentials was opened since "
                                                "the boot: ") +
                                    problem));
  EXPECT_THAT(outcome.output,
              HasSubstr(std::string("door open         credentials, changed since the boot: ") + problem));
  const auto json = nlohmann::json::parse(status({"--json"}).output);
  EXPECT_EQ(json["as-recorded"], false);
  EXPECT_EQ(
      json["doors"][6],
      nlohmann::json({{"door", "credentials"}, {"open", true}, {"by", "change"}, {"problem", problem}}));
}

TEST_F(Status, KnowsNothingOfDoorsFromAnEarlierInitramfs) {
  replace(report, "\"open-doors\"", "\"something-else\"");
  const Outcome outcome = status();
  EXPECT_EQ(outcome.status, fell_back) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("doors             unknown"));
}

TEST_F(Status, TellsASystemThatBootedInAnotherWay) {
  std::filesystem::remove(root_ / report);
  const Outcome outcome = status();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("this system was not booted by composefs-root"));
}

TEST_F(Status, DrawsTheBoot) {
  const std::string expected = read_bytes(root_ / "expected.svg");
  EXPECT_EQ(cfs_sign({"boot-chart", "--root", root_}) + '\n', expected);
  const auto file = workshop_ / "chart.svg";
  EXPECT_EQ(cfs_sign({"boot-chart", "--root", root_, "-o", file}), "");
  EXPECT_EQ(read_bytes(file), expected);
}

TEST_F(Status, DrawsNothingWithoutASoundReport) {
  const auto file = workshop_ / "chart.svg";
  const std::vector<std::string> command{cfs_sign_program, "boot-chart", "--root", root_, "-o", file};
  write(root_ / report, "{}");
  const Outcome malformed = run(command);
  EXPECT_EQ(malformed.status, 1);
  EXPECT_THAT(malformed.errors, ::testing::StartsWith("cfs-sign: report-malformed: boot.json: "));
  std::filesystem::remove(root_ / report);
  const Outcome missing = run(command);
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.errors, HasSubstr("this system was not booted by composefs-root"));
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(Status, RefusesAReportThatLacksSomething) {
  const std::string text = read_bytes(root_ / report);
  const std::vector<std::pair<std::string, std::string>> changes{
      {"\"format\": 1", "\"format\": 2"},
      {"\"digest\"", "\"digests\""},
      {"\"security-version\": 7", "\"security-version\": -7"},
      {"\"security-version\": 7", "\"security-version\": 7.5"},
      {"\"version\": \"2026.11.24\"", "\"version\": 2026"},
      {"[\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]", "[]"},
      {"{\"path\": \"/\", ", "{\"path\": \"/usr\", "},
      {"\"reason\": \"demo-8.toml.sig: 0 of 1 signatures\\u000a\"", "\"reason\": null"},
      {"\"us\": 300}]", "\"us\": 300}"},
  };
  for (const auto& [old_text, new_text] : changes) {
    SCOPED_TRACE(new_text);
    write(root_ / report, text);
    replace(report, old_text, new_text);
    expect_malformed();
  }
  for (const std::string& bytes :
       {std::string(), std::string("\xff\xfe"), std::string("[]"), std::string("1")}) {
    SCOPED_TRACE(bytes);
    write(root_ / report, bytes);
    expect_malformed();
  }
}

TEST(FactoryReset, SetsTheFlagAndTakesItBack) {
  const Workshop workshop;
  EXPECT_THAT(run({cfs_sign_program, "factory-reset", "--state", workshop.path()}).errors,
              HasSubstr("there is no composefs-state"));
  const auto flag = workshop / "composefs-state/factory-reset";
  std::filesystem::create_directory(workshop / "composefs-state");
  for (int times = 0; times < 2; ++times) {
    cfs_sign({"factory-reset", "--state", workshop.path()});
    EXPECT_TRUE(std::filesystem::is_regular_file(flag));
  }
  for (int times = 0; times < 2; ++times) {
    cfs_sign({"factory-reset", "--cancel", "--state", workshop.path()});
    EXPECT_FALSE(std::filesystem::exists(flag));
  }
}

}  // namespace
}  // namespace cfs::test
