// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/configuration.hpp"

#include <gtest/gtest.h>

#include "unit/signer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr auto policy_text = "image-id = \"demo\"\nstore = \"LABEL=store\"\n";

class CheckConfiguration : public ::testing::Test {
 protected:
  CheckConfiguration() {
    directory.write("policy.toml", policy_text);
    directory.write("keys/one.pub", Signer(1).der());
  }
  [[nodiscard]] Code refusal() const {
    const auto checked = check_configuration(directory.path());
    return checked ? Code::usage : checked.error().code();
  }
  const TempDirectory directory;
};

TEST_F(CheckConfiguration, TakesAPolicyAndItsKeys) {
  EXPECT_TRUE(check_configuration(directory.path()));
}

TEST_F(CheckConfiguration, RefusesHalfOfIt) {
  std::filesystem::remove(directory.path("keys/one.pub"));
  EXPECT_EQ(refusal(), Code::key_missing);
  std::filesystem::remove(directory.path("policy.toml"));
  EXPECT_EQ(refusal(), Code::policy_missing);
}

TEST_F(CheckConfiguration, RefusesMalformedFiles) {
  directory.write("keys/two.pub", "no key");
  EXPECT_EQ(refusal(), Code::key_malformed);
  directory.write("policy.toml", "image-id = 1\n");
  EXPECT_EQ(refusal(), Code::policy_malformed);
}

TEST(PolicyValue, IsWhatThePolicySays) {
  Policy policy;
  EXPECT_EQ(policy_value(policy, "cmdline.trust"), "untrusted");
  EXPECT_EQ(policy_value(policy, "failure.shell"), "false");
  policy.cmdline.trust = CmdlineTrust::signed_cmdline;
  policy.failure.shell = true;
  EXPECT_EQ(policy_value(policy, "cmdline.trust"), "signed");
  EXPECT_EQ(policy_value(policy, "failure.shell"), "true");
  const auto other = policy_value(policy, "image-id");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), Code::usage);
}

TEST_F(CheckConfiguration, RefusesAThresholdThatTheKeysCannotReach) {
  directory.write("policy.toml", std::string(policy_text) + "[trust]\nthreshold = 2\n");
  EXPECT_EQ(refusal(), Code::policy_malformed);
  directory.write("keys/two.pub", Signer(2).der());
  EXPECT_TRUE(check_configuration(directory.path()));
}

}  // namespace
}  // namespace cfs
