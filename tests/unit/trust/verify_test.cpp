// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/verify.hpp"

#include <gtest/gtest.h>

#include <type_traits>

#include "cfs/base/file.hpp"
#include "unit/signer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

static_assert(!std::is_default_constructible_v<VerifiedManifest>);
static_assert(!std::is_default_constructible_v<VerifiedImage>);
static_assert(!std::is_constructible_v<VerifiedImage, Fd>);
static_assert(!std::is_copy_constructible_v<VerifiedImage>);

class Verify : public testing::Test {
 protected:
  Verify() {
    policy.image_id = "demo";
    policy.state.place.on = StatePlace::On::store;
    policy.trust.security_version_floor = 5;
    manifest.image_id = "demo";
    manifest.version = "1.0";
    manifest.security_version = 7;
    manifest.init = {"/sbin/init", "/sbin/other"};
  }
  [[nodiscard]] Result<VerifiedManifest> verified(std::string_view release = {}) const {
    const std::string text = format_manifest(manifest).value();
    return verify_manifest(text, signer.line(text), keys, policy, release);
  }
  [[nodiscard]] Code refusal(std::string_view release = {}) const {
    const auto result = verified(release);
    EXPECT_FALSE(result);
    return result ? Code::usage : result.error().code();
  }

  const Signer signer{1};
  const std::vector<PublicKey> keys{signer.key};
  Policy policy;
  Manifest manifest;
};

TEST_F(Verify, AcceptsWhatItShould) {
  const auto result = verified();
  ASSERT_TRUE(result) << result.error().what();
  EXPECT_EQ(result->manifest(), manifest);
  EXPECT_EQ(result->signers(), std::vector<std::string>{signer.key.id});
}

TEST_F(Verify, SignatureComesBeforeParsing) {
  // Neither is a manifest: unsigned it is untrusted, signed it is malformed.
  EXPECT_EQ(verify_manifest("junk", Signer(2).line("junk"), keys, policy, "").error().code(),
            Code::signature_untrusted);
  EXPECT_EQ(verify_manifest("junk", signer.line("junk"), keys, policy, "").error().code(),
            Code::manifest_malformed);
  EXPECT_EQ(verify_manifest("junk", "junk", keys, policy, "").error().code(), Code::signature_malformed);
  EXPECT_EQ(verify_manifest("", "", {}, policy, "").error().code(), Code::policy_malformed);
}

TEST_F(Verify, ImageIdMustBeThePolicys) {
  manifest.image_id = "demo2";
  EXPECT_EQ(refusal(), Code::image_id_mismatch);
  manifest.image_id = "Demo";
  EXPECT_EQ(refusal(), Code::image_id_mismatch);
}

TEST_F(Verify, FloorIsTheLowestAccepted) {
  manifest.security_version = 5;
  EXPECT_TRUE(verified());
  manifest.security_version = 4;
  EXPECT_EQ(refusal(), Code::version_too_low);
}

TEST_F(Verify, KernelRequirement) {
  manifest.kernel_min = "6.6";
  EXPECT_TRUE(verified(""));
  EXPECT_TRUE(verified("6.12.9"));
  EXPECT_EQ(refusal("6.1.0"), Code::kernel_mismatch);
  EXPECT_EQ(refusal("unknown"), Code::kernel_mismatch);
  manifest.kernel_release = "6.12.9-cloud";
  EXPECT_TRUE(verified(""));
  EXPECT_TRUE(verified("6.12.9-cloud"));
  EXPECT_EQ(refusal("6.12.9"), Code::kernel_mismatch);
}

TEST_F(Verify, ThresholdAboveTheUsableKeysIsThePolicysFault) {
  policy.trust.threshold = 2;
  EXPECT_EQ(refusal(), Code::policy_malformed);
  policy.trust.threshold = 1;
  policy.trust.revoked = {signer.key.id};
  EXPECT_EQ(refusal(), Code::policy_malformed);
}

TEST_F(Verify, StateIsTheStricterOfManifestAndPolicy) {
  manifest.etc = EtcMode::overlay;
  manifest.var = VarMode::bind;
  policy.state.etc = EtcMode::transient;
  policy.state.var = VarMode::none;
  EXPECT_EQ(verified()->etc(), EtcMode::transient);
  EXPECT_EQ(verified()->var(), VarMode::none);
  manifest.etc = EtcMode::none;
  policy.state.var = VarMode::bind;
  EXPECT_EQ(verified()->etc(), EtcMode::none);
  EXPECT_EQ(verified()->var(), VarMode::bind);
}

TEST_F(Verify, StateThatIsKeptNeedsAPlace) {
  policy.state.place.on = StatePlace::On::nothing;
  policy.state.var = VarMode::bind;
  manifest.etc = EtcMode::transient;
  manifest.var = VarMode::bind;
  EXPECT_EQ(refusal(), Code::state_failed);
  manifest.var = VarMode::transient;
  EXPECT_TRUE(verified());
  manifest.etc = EtcMode::overlay;
  EXPECT_TRUE(verified());  // the policy's cap makes it transient
  policy.state.etc = EtcMode::overlay;
  EXPECT_EQ(refusal(), Code::state_failed);
  policy.state.place = {StatePlace::On::device, {DeviceSpec::By::partlabel, "state"}};
  EXPECT_TRUE(verified());
}

TEST_F(Verify, InitIsOneOfTheManifests) {
  EXPECT_EQ(verified()->init(std::nullopt).value(), "/sbin/init");
  EXPECT_EQ(verified()->init("/sbin/other").value(), "/sbin/other");
  for (const std::string_view other : {"/bin/sh", "", "/sbin/init/", "sbin/init", "/sbin/../sbin/init"}) {
    EXPECT_EQ(verified()->init(std::string(other)).error().code(), Code::init_refused) << other;
  }
}

TEST_F(Verify, InitOfASignedCommandLineIsAnyAbsolutePath) {
  policy.cmdline.trust = CmdlineTrust::signed_cmdline;
  EXPECT_EQ(verified()->init("/bin/sh").value(), "/bin/sh");
  EXPECT_EQ(verified()->init("sh").error().code(), Code::init_refused);
  EXPECT_EQ(verified()->init("").error().code(), Code::init_refused);
}

TEST_F(Verify, ImageMustMeasureAsItsManifestSays) {
  const TempDirectory directory;
  const auto open_image = [&] {
    directory.write("image", "x");
    return open_file_beneath(open_directory(directory.path()).value(), "image").value();
  };
  const auto accepted = verified().value();
  const Digest expected = accepted.manifest().digest;
  int measured = -1;
  Fd image = open_image();
  const int number = image.get();
  const auto measure = [&](const Fd& fd, HashAlgorithm algorithm) -> Result<Digest> {
    measured = fd.get();
    EXPECT_EQ(algorithm, HashAlgorithm::sha256);
    return expected;
  };
  const auto result = verify_image(std::move(image), accepted, measure);
  ASSERT_TRUE(result);
  EXPECT_EQ(measured, number);
  EXPECT_EQ(result->fd().get(), number);

  std::array<unsigned char, 64> bytes{};
  const auto wide = Digest::from_bytes(HashAlgorithm::sha512, bytes).value();  // all zero, as `expected` is
  EXPECT_EQ(
      verify_image(open_image(), accepted, [&](const Fd&, HashAlgorithm) -> Result<Digest> { return wide; })
          .error()
          .code(),
      Code::digest_mismatch);
  bytes[31] = 1;
  const auto other = Digest::from_bytes(HashAlgorithm::sha256, std::span(bytes).first(32)).value();
  EXPECT_EQ(
      verify_image(open_image(), accepted, [&](const Fd&, HashAlgorithm) -> Result<Digest> { return other; })
          .error()
          .code(),
      Code::digest_mismatch);
  EXPECT_EQ(verify_image(
                open_image(), accepted,
                [&](const Fd&, HashAlgorithm) -> Result<Digest> { return fail(Code::verity_missing, "x"); })
                .error()
                .code(),
            Code::verity_missing);
}

}  // namespace
}  // namespace cfs
