// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/decision.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cfs/base/file.hpp"
#include "unit/signer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

Digest digest_of(char digit) {
  return Digest::parse("sha256:" + std::string(64, digit)).value();
}

class Decide : public testing::Test {
 protected:
  Decide() {
    std::filesystem::create_directories(directory.path("objects"));
    policy.image_id = "demo";
    policy.state.place.on = StatePlace::On::store;
    // A store that a device has: two good images in their slots, and a third that only its name leads to.
    add("new", '2');
    add("old", '1');
    add("extra", '3');
    slot("current", "new");
    slot("previous", "old");
  }

  [[nodiscard]] Manifest manifest(char digit) const {
    Manifest manifest;
    manifest.image_id = "demo";
    manifest.version = std::string(1, digit);
    manifest.digest = digest_of(digit);
    return manifest;
  }
  void add(const std::string& name, char digit) const { add(name, manifest(digit), signer); }
  void add(const std::string& name, const Manifest& manifest, const Signer& by) const {
    const std::string text = format_manifest(manifest).value();
    directory.write("manifests/" + name + ".toml", text);
    directory.write("manifests/" + name + ".toml.sig", by.line(text));
    directory.write("objects/" + manifest.digest.object_path(), manifest.digest.text());
  }
  void slot(const std::string& name, const std::string& holds) const {
    std::filesystem::remove(directory.path("slots/" + name));
    directory.link("slots/" + name, "../manifests/" + holds + ".toml");
  }
  void flip_a_bit(const std::string& file) const {
    std::string bytes = read_bytes(directory.path(file));
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    directory.write(file, bytes);
  }

  [[nodiscard]] Result<Decision> decided(
      const std::function<Result<>(const Decision&)>& accept = accept_all) const {
    // The contents of an object here are the digest that it measures as.
    return decide(Store::open(directory.path()).value(),
                  {policy, keys, selection, "6.12.0",
                   [](const Fd& fd, HashAlgorithm) -> Result<Digest> {
                     return Digest::parse(CFS_TRY(read_all(fd, 1000)));
                   },
                   before_attempt},
                  accept);
  }
  static Result<> accept_all(const Decision&) { return {}; }

  // "NAME/SLOT/REFUSED", where refused is "slot:code" for each.
  [[nodiscard]] std::string outcome() const {
    const auto decision = decided();
    if (!decision) {
      return std::string(name(decision.error().code()));
    }
    std::string text = cat(decision->candidate.manifest, "/", decision->candidate.slot, "/");
    for (const Refusal& refusal : decision->refused) {
      text += cat(refusal.candidate.slot, ":", name(refusal.error.code()), " ");
    }
    return text;
  }

  const TempDirectory directory;
  const Signer signer{1};
  const std::vector<PublicKey> keys{signer.key};
  Policy policy;
  Selection selection;
  std::function<Result<>(const Candidate&, const VerifiedManifest&)> before_attempt;
};

TEST_F(Decide, TakesTheCurrentSlot) {
  const auto decision = decided();
  ASSERT_TRUE(decision) << decision.error().what();
  EXPECT_EQ(decision->candidate.manifest, "new");
  EXPECT_EQ(decision->candidate.slot, "current");
  EXPECT_EQ(decision->manifest.manifest().digest, digest_of('2'));
  EXPECT_EQ(read_all(decision->image.fd(), 100).value(), digest_of('2').text());
  EXPECT_EQ(decision->init, "/sbin/init");
  EXPECT_TRUE(decision->refused.empty());
}

TEST_F(Decide, AnnouncesEachAttemptWhoseManifestIsVerified) {
  std::vector<std::string> attempts;
  before_attempt = [&](const Candidate& candidate, const VerifiedManifest& manifest) -> Result<> {
    attempts.push_back(candidate.slot + ' ' + manifest.manifest().version);
    return candidate.slot == "current" ? Result<>(fail(Code::io_error, "no tries are left")) : Result<>();
  };
  EXPECT_EQ(outcome(), "old/previous/current:io-error ");
  EXPECT_EQ(attempts, (std::vector<std::string>{"current 2", "previous 1"}));
  attempts.clear();
  flip_a_bit("manifests/new.toml");
  EXPECT_EQ(outcome(), "old/previous/current:signature-untrusted ");
  EXPECT_EQ(attempts, std::vector<std::string>{"previous 1"});
}

TEST_F(Decide, FallsBackAndSaysWhy) {
  flip_a_bit("manifests/new.toml");
  EXPECT_EQ(outcome(), "old/previous/current:signature-untrusted ");
  std::filesystem::remove(directory.path("manifests/new.toml.sig"));
  EXPECT_EQ(outcome(), "old/previous/current:signature-missing ");
  std::filesystem::remove(directory.path("manifests/new.toml"));
  EXPECT_EQ(outcome(), "old/previous/current:manifest-missing ");
  slot("current", "../../etc/passwd");
  EXPECT_EQ(outcome(), "old/previous/current:path-refused ");
  std::filesystem::remove(directory.path("slots/current"));
  EXPECT_EQ(outcome(), "old/previous/");
}

TEST_F(Decide, FallsBackFromAnyFault) {
  add("new", manifest('2'), Signer(2));
  EXPECT_EQ(outcome(), "old/previous/current:signature-untrusted ");
  Manifest other = manifest('2');
  other.image_id = "other";
  add("new", other, signer);
  EXPECT_EQ(outcome(), "old/previous/current:image-id-mismatch ");
  other = manifest('2');
  other.kernel_min = "99.0";
  add("new", other, signer);
  EXPECT_EQ(outcome(), "old/previous/current:kernel-mismatch ");
  add("new", manifest('2'), signer);
  directory.write("objects/" + digest_of('2').object_path(), digest_of('1').text());
  EXPECT_EQ(outcome(), "old/previous/current:digest-mismatch ");
  std::filesystem::remove(directory.path("objects/" + digest_of('2').object_path()));
  EXPECT_EQ(outcome(), "old/previous/current:image-missing ");
  std::filesystem::remove(directory.path("manifests/new.toml"));
  ASSERT_EQ(::mkfifo(directory.path("manifests/new.toml").c_str(), 0600), 0);
  EXPECT_EQ(outcome(), "old/previous/current:path-refused ");
}

TEST_F(Decide, FallsBackUnderTheSameFloor) {
  policy.trust.security_version_floor = 5;
  Manifest newer = manifest('2');
  newer.security_version = 5;
  add("new", newer, signer);
  EXPECT_EQ(outcome(), "new/current/");
  directory.write("objects/" + digest_of('2').object_path(), "damaged");
  EXPECT_EQ(outcome(), "no-candidate");
}

TEST_F(Decide, FallsBackWhenTheCandidateIsNotAccepted) {
  std::vector<std::string> tried;
  const auto decision = decided([&](const Decision& offered) -> Result<> {
    tried.push_back(offered.candidate.manifest);
    EXPECT_EQ(offered.refused.size(), tried.size() - 1);
    if (tried.size() == 1) {
      return fail(Code::mount_failed, "no");
    }
    return {};
  });
  ASSERT_TRUE(decision);
  EXPECT_EQ(tried, (std::vector<std::string>{"new", "old"}));
  ASSERT_EQ(decision->refused.size(), 1U);
  EXPECT_EQ(decision->refused[0].error.code(), Code::mount_failed);
}

TEST_F(Decide, NoneLeftListsThemAll) {
  flip_a_bit("manifests/new.toml");
  std::filesystem::remove(directory.path("objects/" + digest_of('1').object_path()));
  const auto decision = decided();
  ASSERT_FALSE(decision);
  EXPECT_EQ(decision.error().code(), Code::no_candidate);
  EXPECT_NE(decision.error().what().find("new (current): signature-untrusted: "), std::string::npos);
  EXPECT_NE(decision.error().what().find("old (previous): image-missing: "), std::string::npos);
}

TEST_F(Decide, SingleCandidateGivesItsOwnError) {
  std::filesystem::remove(directory.path("slots/previous"));
  flip_a_bit("manifests/new.toml");
  const auto decision = decided();
  ASSERT_FALSE(decision);
  EXPECT_EQ(decision.error().code(), Code::signature_untrusted);
  EXPECT_TRUE(decision.error().what().starts_with("new (current): "));
}

TEST_F(Decide, EmptyStoreHasNoManifest) {
  std::filesystem::remove_all(directory.path("slots"));
  EXPECT_EQ(outcome(), "manifest-missing");
  std::filesystem::remove_all(directory.path("manifests"));
  EXPECT_EQ(outcome(), "manifest-missing");
}

TEST_F(Decide, SameManifestInTwoSlotsIsTriedOnce) {
  slot("previous", "new");
  int tried = 0;
  const auto decision = decided([&](const Decision&) -> Result<> {
    ++tried;
    return fail(Code::mount_failed, "no");
  });
  EXPECT_EQ(tried, 1);
  EXPECT_EQ(decision.error().code(), Code::mount_failed);
}

TEST_F(Decide, NextIsTriedOnlyWhenAskedFor) {
  slot("next", "extra");
  EXPECT_EQ(outcome(), "new/current/");
  selection.slot = "next";
  EXPECT_EQ(outcome(), "extra/next/");
  flip_a_bit("manifests/extra.toml");
  EXPECT_EQ(outcome(), "new/current/next:signature-untrusted ");
  std::filesystem::remove(directory.path("slots/next"));
  EXPECT_EQ(outcome(), "new/current/next:manifest-missing ");
}

TEST_F(Decide, SlotAskedForComesFirst) {
  selection.slot = "previous";
  EXPECT_EQ(outcome(), "old/previous/");
  flip_a_bit("manifests/old.toml");
  EXPECT_EQ(outcome(), "new/current/previous:signature-untrusted ");
}

TEST_F(Decide, ImageAskedForByNameComesFirst) {
  selection.image = "extra";
  EXPECT_EQ(outcome(), "extra//");
  flip_a_bit("manifests/extra.toml");
  EXPECT_EQ(outcome(), "new/current/:signature-untrusted ");
  selection.image = "absent";
  EXPECT_EQ(outcome(), "new/current/:manifest-missing ");
}

TEST_F(Decide, ImageAskedForByDigestComesFirstOfTheSlots) {
  selection.image_digest = digest_of('1');
  EXPECT_EQ(outcome(), "old/previous/");
  selection.image_digest = digest_of('3');  // in the store, and in no slot
  EXPECT_EQ(outcome(), "new/current/:manifest-missing ");
}

TEST_F(Decide, DigestOfAnUnverifiedManifestPrefersNothing) {
  add("old", manifest('1'), Signer(2));
  selection.image_digest = digest_of('1');
  EXPECT_EQ(outcome(), "new/current/:manifest-missing ");
}

TEST_F(Decide, InitNotAllowedEndsTheSearch) {
  Manifest lenient = manifest('1');
  lenient.init = {"/bin/sh"};
  add("old", lenient, signer);
  selection.init = "/bin/sh";
  EXPECT_EQ(outcome(), "init-refused");
  selection.init = "/sbin/init";
  EXPECT_EQ(decided()->init, "/sbin/init");
}

TEST_F(Decide, ImpossibleThresholdEndsTheSearch) {
  policy.trust.threshold = 2;
  EXPECT_EQ(outcome(), "policy-malformed");
}

TEST(CandidateText, IsWhatThereIsToSay) {
  EXPECT_EQ((Candidate{"demo", "next"}).text(), "demo (next)");
  EXPECT_EQ((Candidate{"demo", ""}).text(), "demo");
  EXPECT_EQ((Candidate{"", "next"}).text(), "slot next");
  EXPECT_EQ((Candidate{"", ""}).text(), "composefs.image=");
}

}  // namespace
}  // namespace cfs
