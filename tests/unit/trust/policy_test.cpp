// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/policy.hpp"

#include <gtest/gtest.h>

#include <map>

#include "cfs/base/file.hpp"
#include "unit/manual_page.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

const std::map<std::string, bool Policy::Doors::*> doors{
    {"system-extensions", &Policy::Doors::system_extensions},
    {"configuration-extensions", &Policy::Doors::configuration_extensions},
    {"portable-services", &Policy::Doors::portable_services},
    {"machines", &Policy::Doors::machines},
    {"gpt-auto", &Policy::Doors::gpt_auto},
    {"hibernation", &Policy::Doors::hibernation},
    {"credentials", &Policy::Doors::credentials},
    {"efi-options", &Policy::Doors::efi_options},
    {"removable-devices", &Policy::Doors::removable_devices}};

constexpr std::string_view least = "image-id = \"demo\"\nstore = \"PARTLABEL=composefs-store\"\n";
const std::string key_id(64, 'a');

TEST(Policy, AbsentKeysAreSafe) {
  const auto policy = parse_policy(least);
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->image_id, "demo");
  EXPECT_EQ(policy->store.text(), "PARTLABEL=composefs-store");
  EXPECT_EQ(policy->device_timeout, std::chrono::seconds(10));
  EXPECT_EQ(policy->trust.threshold, 1U);
  EXPECT_TRUE(policy->trust.revoked.empty());
  EXPECT_EQ(policy->trust.security_version_floor, 0U);
  EXPECT_EQ(policy->state.place.on, StatePlace::On::nothing);
  EXPECT_EQ(policy->state.etc, EtcMode::transient);
  EXPECT_EQ(policy->state.var, VarMode::transient);
  EXPECT_EQ(policy->state.root, RootMode::none);
  EXPECT_FALSE(policy->state.any_disk);
  EXPECT_FALSE(policy->state.noexec);
  EXPECT_FALSE(policy->state.nosymfollow);
  EXPECT_EQ(policy->failure.action, FailureAction::reboot);
  EXPECT_FALSE(policy->failure.shell);
  EXPECT_EQ(policy->cmdline.trust, CmdlineTrust::untrusted_cmdline);
  EXPECT_TRUE(policy->cmdline.allow.empty());
  EXPECT_TRUE(policy->cmdline.hide.empty());
  EXPECT_EQ(policy->failure.corruption, CorruptionAction::report);
  EXPECT_EQ(policy->store_file_system, "ext4");
  for (const auto& [name, door] : doors) {
    EXPECT_FALSE(policy->doors.*door) << name;
  }
}

TEST(Policy, OpensDoorsByName) {
  for (const auto& [name, door] : doors) {
    const auto policy = parse_policy(std::string(least) + "[doors]\n" + name + " = true\n");
    ASSERT_TRUE(policy) << policy.error().what();
    for (const auto& [other_name, other] : doors) {
      EXPECT_EQ(policy->doors.*other, other == door) << name << ", " << other_name;
    }
    EXPECT_FALSE(parse_policy(std::string(least) + "[doors]\n" + name + " = false\n")->doors.*door) << name;
  }
}

TEST(Policy, ReadsEveryKey) {
  const auto policy = parse_policy(
      std::string(least) +
      "device-timeout = 3600\nstore-filesystem = \"btrfs\"\n[trust]\nthreshold = 2\nrevoked = [\"" + key_id +
      "\"]\nsecurity-version-floor = 5\ncmdline-digest = false\n[tpm]\nmode = \"off\"\n"
      "[state]\ndevice = \"UUID=1234-abcd\"\netc = \"overlay\"\nvar = \"none\"\nroot = "
      "\"transient\"\noptions = "
      "[\"noexec\", \"nosymfollow\"]\ndisk = \"any\"\n[failure]\naction = \"halt\"\nshell = true\n"
      "corruption = \"reboot\"\n[cmdline]\ntrust = \"signed\"\nallow = [\"quiet\", \"x.*\"]\nhide = "
      "[\"a=b\"]\n");
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->device_timeout, std::chrono::hours(1));
  EXPECT_EQ(policy->trust.threshold, 2U);
  EXPECT_EQ(policy->trust.revoked, std::set<std::string>{key_id});
  EXPECT_EQ(policy->trust.security_version_floor, 5U);
  EXPECT_EQ(policy->state.place.on, StatePlace::On::device);
  EXPECT_EQ(policy->state.place.device, (DeviceSpec{DeviceSpec::By::uuid, "1234-abcd"}));
  EXPECT_EQ(policy->state.etc, EtcMode::overlay);
  EXPECT_EQ(policy->state.var, VarMode::none);
  EXPECT_EQ(policy->state.root, RootMode::transient);
  EXPECT_TRUE(policy->state.noexec);
  EXPECT_EQ(policy->failure.action, FailureAction::halt);
  EXPECT_TRUE(policy->failure.shell);
  EXPECT_EQ(policy->failure.corruption, CorruptionAction::reboot);
  EXPECT_TRUE(policy->state.any_disk);
  EXPECT_TRUE(policy->state.nosymfollow);
  EXPECT_EQ(policy->store_file_system, "btrfs");
  ASSERT_EQ(policy->cmdline.allow.size(), 2U);
  EXPECT_EQ(policy->cmdline.allow[1].text(), "x.*");
  ASSERT_EQ(policy->cmdline.hide.size(), 1U);
  EXPECT_EQ(policy->cmdline.hide[0].text(), "a=b");
  EXPECT_EQ(policy->cmdline.trust, CmdlineTrust::signed_cmdline);
}

// Of a table that is there, too.
TEST(Policy, AbsentKeysOfATableAreSafe) {
  const auto policy =
      parse_policy(std::string(least) + "[trust]\n[tpm]\n[state]\n[failure]\n[cmdline]\n[doors]\n");
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->trust.threshold, 1U);
  EXPECT_TRUE(policy->trust.revoked.empty());
  EXPECT_EQ(policy->trust.security_version_floor, 0U);
  EXPECT_EQ(policy->state.place.on, StatePlace::On::nothing);
  EXPECT_EQ(policy->state.etc, EtcMode::transient);
  EXPECT_EQ(policy->state.var, VarMode::transient);
  EXPECT_EQ(policy->state.root, RootMode::none);
  EXPECT_FALSE(policy->state.any_disk);
  EXPECT_FALSE(policy->state.noexec);
  EXPECT_FALSE(policy->state.nosymfollow);
  EXPECT_EQ(policy->failure.action, FailureAction::reboot);
  EXPECT_FALSE(policy->failure.shell);
  EXPECT_EQ(policy->failure.corruption, CorruptionAction::report);
  EXPECT_EQ(policy->cmdline.trust, CmdlineTrust::untrusted_cmdline);
  EXPECT_TRUE(policy->cmdline.allow.empty());
  EXPECT_TRUE(policy->cmdline.hide.empty());
  for (const auto& [name, door] : doors) {
    EXPECT_FALSE(policy->doors.*door) << name;
  }
}

// Each in a policy that says the looser thing nowhere.
TEST(Policy, TakesTheSafeValuesByName) {
  const auto policy = parse_policy(std::string(least) +
                                   "device-timeout = 1\nstore-filesystem = \"f2fs\"\n[trust]\nthreshold = 1\n"
                                   "[state]\netc = \"none\"\nvar = \"bind\"\nroot = \"none\"\noptions = []\n"
                                   "disk = \"store\"\n[failure]\naction = \"poweroff\"\nshell = false\n"
                                   "corruption = \"report\"\n[cmdline]\ntrust = \"untrusted\"\n");
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->device_timeout, std::chrono::seconds(1));
  EXPECT_EQ(policy->store_file_system, "f2fs");
  EXPECT_EQ(policy->state.etc, EtcMode::none);
  EXPECT_EQ(policy->state.var, VarMode::bind);
  EXPECT_EQ(policy->state.root, RootMode::none);
  EXPECT_FALSE(policy->state.noexec);
  EXPECT_FALSE(policy->state.nosymfollow);
  EXPECT_FALSE(policy->state.any_disk);
  EXPECT_EQ(policy->failure.action, FailureAction::poweroff);
  EXPECT_FALSE(policy->failure.shell);
  EXPECT_EQ(policy->failure.corruption, CorruptionAction::report);
  EXPECT_EQ(policy->cmdline.trust, CmdlineTrust::untrusted_cmdline);
  EXPECT_EQ(parse_policy(std::string(least) + "[failure]\naction = \"reboot\"\n")->failure.action,
            FailureAction::reboot);
}

TEST(Policy, EachMountOptionIsItsOwn) {
  const auto state = [](std::string_view option) {
    return parse_policy(std::string(least) + "[state]\noptions = [\"" + std::string(option) + "\"]\n")->state;
  };
  EXPECT_TRUE(state("noexec").noexec);
  EXPECT_FALSE(state("noexec").nosymfollow);
  EXPECT_TRUE(state("nosymfollow").nosymfollow);
  EXPECT_FALSE(state("nosymfollow").noexec);
}

TEST(Policy, RevokesEveryKeyOfTheList) {
  const std::string other(64, 'b');
  const auto policy =
      parse_policy(std::string(least) + "[trust]\nrevoked = [\"" + key_id + "\", \"" + other + "\"]\n");
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->trust.revoked, (std::set<std::string>{key_id, other}));
}

TEST(Policy, StateMayLieOnTheStore) {
  const auto policy = parse_policy(std::string(least) + "[state]\ndevice = \"store\"\n");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->state.place.on, StatePlace::On::store);
}

// Every tests/data/should-fail-policy-*.toml says in its first line, a comment, what the error must name.
TEST(Policy, RefusesTheBadOnes) {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CFS_TEST_DATA)) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with("should-fail-policy-")) {
      continue;
    }
    const std::string text = read_bytes(entry.path().string());
    const auto policy = parse_policy(text);
    ASSERT_FALSE(policy) << file;
    EXPECT_EQ(policy.error().code(), Code::policy_malformed) << file;
    ASSERT_TRUE(text.starts_with("# ")) << file;
    EXPECT_NE(policy.error().what().find(text.substr(2, text.find('\n') - 2)), std::string::npos)
        << file << ": " << policy.error().what();
    ++seen;
  }
  EXPECT_GE(seen, 20);
}

TEST(PolicyInTheManualPage, HasExamplesOfTheLeastAndOfEveryKey) {
  const std::string page = manual_page("initrd/composefs-root-policy.5");
  const auto policies = examples(page);
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_EQ(policies[0], least);
  const auto policy = parse_policy(policies[1]);
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->trust.revoked.size(), 1U);
  EXPECT_EQ(toml_keys(policies[1]), items(page, "Cm"));
}

TEST(PolicyInTheReadme, IsOne) {
  const std::string page = manual_page("README.md");
  constexpr std::string_view begin = "cat >policy.toml <<'END'\n";
  const auto at = page.find(begin) + begin.size();
  const auto policy = parse_policy(page.substr(at, page.find("\nEND\n", at) + 1 - at));
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->image_id, "demo");
  EXPECT_EQ(policy->state.var, VarMode::bind);
}

class LoadPolicy : public testing::Test {
 protected:
  [[nodiscard]] Result<Policy> loaded(std::string_view text) const {
    directory.write("policy.toml", text);
    return load_policy(directory.path("policy.toml"));
  }
  const TempDirectory directory;
};

TEST_F(LoadPolicy, ReadsAFile) {
  const auto policy = loaded(least);
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->image_id, "demo");
}

TEST_F(LoadPolicy, MissingOrEmptyFileIsNoPolicy) {
  EXPECT_EQ(load_policy(directory.path("absent")).error().code(), Code::policy_missing);
  EXPECT_EQ(loaded("").error().code(), Code::policy_missing);
}

TEST_F(LoadPolicy, ReadsTheFileOfADirectory) {
  const Fd place = open_directory(directory.path()).value();
  const auto refusal = [&] {
    const auto policy = load_policy(place, "NAME");
    EXPECT_FALSE(policy);
    EXPECT_NE(policy.error().what().find("NAME"), std::string::npos) << policy.error().what();
    return policy.error().code();
  };
  EXPECT_EQ(refusal(), Code::policy_missing);
  EXPECT_TRUE(loaded(least));
  EXPECT_EQ(load_policy(place, "NAME")->image_id, "demo");
  for (const auto& [text, code] : {std::pair(std::string(), Code::policy_missing),
                                   std::pair(std::string(65537, '\n'), Code::policy_malformed),
                                   std::pair(std::string("# nothing\n"), Code::policy_malformed)}) {
    (void)loaded(text);
    EXPECT_EQ(refusal(), code);
  }
  std::filesystem::remove(directory.path("policy.toml"));
  directory.write("elsewhere", least);
  directory.link("policy.toml", "elsewhere");
  EXPECT_EQ(refusal(), Code::path_refused);
}

TEST_F(LoadPolicy, MayBeOf64KiB) {
  std::string text(least);
  text.append(65536 - text.size(), '\n');
  EXPECT_TRUE(loaded(text));
}

TEST_F(LoadPolicy, ErrorsNameTheFile) {
  const auto comment = loaded("# nothing\n");
  ASSERT_FALSE(comment);
  EXPECT_EQ(comment.error().code(), Code::policy_malformed);
  EXPECT_NE(comment.error().what().find(directory.path("policy.toml")), std::string::npos);
  EXPECT_EQ(loaded(std::string(65537, '\n')).error().code(), Code::policy_malformed);
}

}  // namespace
}  // namespace cfs
