#include "cfs/policy.hpp"

#include <gtest/gtest.h>

#include "temp_directory.hpp"

namespace cfs {
namespace {

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
  EXPECT_FALSE(policy->state.device);
  EXPECT_FALSE(policy->state.on_store);
  EXPECT_EQ(policy->state.etc, EtcMode::transient);
  EXPECT_EQ(policy->state.var, VarMode::bind);
  EXPECT_EQ(policy->state.root, RootMode::none);
  EXPECT_FALSE(policy->state.noexec);
  EXPECT_EQ(policy->failure.action, FailureAction::reboot);
  EXPECT_FALSE(policy->failure.shell);
  EXPECT_EQ(policy->cmdline, CmdlineTrust::untrusted_cmdline);
}

TEST(Policy, ReadsEveryKey) {
  const auto policy = parse_policy(
      std::string(least) + "device-timeout = 3600\n[trust]\nthreshold = 2\nrevoked = [\"" + key_id +
      "\"]\nsecurity-version-floor = 5\ncmdline-digest = false\n[tpm]\nmode = \"off\"\n"
      "[state]\ndevice = \"UUID=1234-abcd\"\netc = \"overlay\"\nvar = \"none\"\nroot = "
      "\"transient\"\noptions = "
      "[\"noexec\"]\n[failure]\naction = \"halt\"\nshell = true\n[cmdline]\ntrust = \"signed\"\n");
  ASSERT_TRUE(policy) << policy.error().what();
  EXPECT_EQ(policy->device_timeout, std::chrono::hours(1));
  EXPECT_EQ(policy->trust.threshold, 2U);
  EXPECT_EQ(policy->trust.revoked, std::set<std::string>{key_id});
  EXPECT_EQ(policy->trust.security_version_floor, 5U);
  EXPECT_EQ(policy->state.device, (DeviceSpec{DeviceSpec::By::uuid, "1234-abcd"}));
  EXPECT_EQ(policy->state.etc, EtcMode::overlay);
  EXPECT_EQ(policy->state.var, VarMode::none);
  EXPECT_EQ(policy->state.root, RootMode::transient);
  EXPECT_TRUE(policy->state.noexec);
  EXPECT_EQ(policy->failure.action, FailureAction::halt);
  EXPECT_TRUE(policy->failure.shell);
  EXPECT_EQ(policy->cmdline, CmdlineTrust::signed_cmdline);
}

TEST(Policy, StateMayLieOnTheStore) {
  const auto policy = parse_policy(std::string(least) + "[state]\ndevice = \"store\"\n");
  ASSERT_TRUE(policy);
  EXPECT_TRUE(policy->state.on_store);
  EXPECT_FALSE(policy->state.device);
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

TEST_F(LoadPolicy, ErrorsNameTheFile) {
  const auto comment = loaded("# nothing\n");
  ASSERT_FALSE(comment);
  EXPECT_EQ(comment.error().code(), Code::policy_malformed);
  EXPECT_NE(comment.error().what().find(directory.path("policy.toml")), std::string::npos);
  EXPECT_EQ(loaded(std::string(65537, '\n')).error().code(), Code::policy_malformed);
}

}  // namespace
}  // namespace cfs
