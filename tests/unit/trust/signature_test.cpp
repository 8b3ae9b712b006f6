// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/signature.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "cfs/base/text.hpp"
#include "unit/signer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

const std::string id(64, 'a');

TEST(Signatures, RoundTrip) {
  const SignatureLine line{id, "ed25519", {0, 1, 2, 255}};
  EXPECT_EQ(format_signature(line), id + " ed25519 AAEC/w==\n");
  const auto lines = parse_signatures(format_signature(line) + format_signature({id, "x", {7}}));
  ASSERT_TRUE(lines) << lines.error().what();
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_EQ((*lines)[0].key_id, id);
  EXPECT_EQ((*lines)[0].algorithm, "ed25519");
  EXPECT_EQ((*lines)[0].signature, (std::vector<unsigned char>{0, 1, 2, 255}));
  EXPECT_EQ((*lines)[1].signature, std::vector<unsigned char>{7});
  EXPECT_TRUE(parse_signatures("")->empty());
}

TEST(Signatures, OneBadLineRefusesTheFile) {
  const std::string good = id + " ed25519 AAEC\n";
  ASSERT_TRUE(parse_signatures(good));
  for (const std::string& bad : std::vector<std::string>{
           std::string("\n"), std::string(" \n"), id + " ed25519 AAEC", id + " ed25519 AAEC\r\n",
           id + "  ed25519 AAEC\n", id + " ed25519  AAEC\n", id + " ed25519 AAEC \n",
           " " + id + " ed25519 AAEC\n", id + "\ted25519\tAAEC\n", id + " ed25519\n", id + " ed25519 \n",
           id + " ed25519 AAEC x\n", id.substr(1) + " ed25519 AAEC\n", id + "a ed25519 AAEC\n",
           std::string(64, 'A') + " ed25519 AAEC\n", std::string(64, 'g') + " ed25519 AAEC\n",
           id + " ED25519 AAEC\n", id + " " + std::string(33, 'x') + " AAEC\n",
           // base64 that is not canonical: padding missing, too much or early, loose bits, blanks, other
           // alphabet
           id + " ed25519 AAE\n", id + " ed25519 AA\n", id + " ed25519 AAEC=\n", id + " ed25519 AAEC====\n",
           id + " ed25519 A===\n", id + " ed25519 AA==AAEC\n", id + " ed25519 AB==\n", id + " ed25519 AAF=\n",
           id + " ed25519 AA\vEC\n", id + " ed25519 AA-_\n", id + " ed25519 ====\n", id + " ed25519 AAEC\f\n",
           "# comment\n", good.substr(0, 70) + '\0' + good.substr(70)}) {
    const auto alone = parse_signatures(bad);
    ASSERT_FALSE(alone) << bad;
    EXPECT_EQ(alone.error().code(), Code::signature_malformed) << bad;
    EXPECT_FALSE(parse_signatures(good + bad)) << bad;
    EXPECT_FALSE(parse_signatures(bad + good)) << bad;
  }
}

TEST(Signatures, LimitsLinesAndSize) {
  std::string text;
  for (std::size_t i = 0; i < signature_max_lines; ++i) {
    text += id + " ed25519 AAEC\n";
  }
  EXPECT_TRUE(parse_signatures(text));
  EXPECT_FALSE(parse_signatures(text + id + " ed25519 AAEC\n"));
  EXPECT_FALSE(parse_signatures(id + " ed25519 " + std::string(signature_file_max_bytes, 'A') + "\n"));
}

// Every tests/data/should-fail-signature-*.sig is refused as malformed.
TEST(Signatures, RefusesTheBadOnes) {
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CFS_TEST_DATA)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with("should-fail-signature-")) {
      EXPECT_EQ(parse_signatures(read_bytes(entry.path().string())).error().code(), Code::signature_malformed)
          << file;
      ++seen;
    }
  }
  EXPECT_GE(seen, 4);
}

TEST(Signatures, PrefixEndsWithANul) {
  EXPECT_EQ(manifest_signature_prefix.back(), '\0');
  EXPECT_EQ(manifest_signature_prefix, std::string("composefs-root manifest v1") + '\0');
}

class CheckSignatures : public testing::Test {
 protected:
  [[nodiscard]] Result<std::vector<std::string>> check(std::string_view file) const {
    return check_signatures(manifest_signature_prefix, bytes, file, keys, trust);
  }
  void expect_refused(std::string_view file, std::string_view why = {}) const {
    const auto signers = check(file);
    ASSERT_FALSE(signers);
    EXPECT_EQ(signers.error().code(), Code::signature_untrusted);
    EXPECT_NE(signers.error().what().find(why), std::string::npos) << signers.error().what();
  }

  const Signer first{1};
  const Signer second{2};
  const Signer stranger{3};
  const std::vector<PublicKey> keys{first.key, second.key};
  const std::string bytes = "the bytes of a manifest\n";
  Policy::Trust trust;
};

TEST_F(CheckSignatures, OneValidSignatureIsEnoughByDefault) {
  EXPECT_EQ(check(first.line(bytes)).value(), std::vector<std::string>{first.key.id});
  EXPECT_EQ(check(stranger.line(bytes) + second.line(bytes)).value(),
            std::vector<std::string>{second.key.id});
}

TEST_F(CheckSignatures, GivesSignersInOrderOfId) {
  auto ids = std::vector{first.key.id, second.key.id};
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(check(first.line(bytes) + second.line(bytes)).value(), ids);
  EXPECT_EQ(check(second.line(bytes) + first.line(bytes)).value(), ids);
}

TEST_F(CheckSignatures, NoneOrAStrangersIsNotEnough) {
  expect_refused("", "valid signatures by 0 of the 1 keys needed, in 0 lines");
  expect_refused(stranger.line(bytes), stranger.key.id.substr(0, 16) + ": unknown key");
}

TEST_F(CheckSignatures, ThresholdCountsDistinctKeys) {
  trust.threshold = 2;
  EXPECT_TRUE(check(first.line(bytes) + second.line(bytes)));
  expect_refused(first.line(bytes));
  expect_refused(first.line(bytes) + first.line(bytes));
  expect_refused(first.line(bytes) + stranger.line(bytes));
}

TEST_F(CheckSignatures, ThresholdOfZeroStillNeedsOne) {
  trust.threshold = 0;
  expect_refused("");
  expect_refused(stranger.line(bytes));
  EXPECT_TRUE(check(first.line(bytes)));
}

TEST_F(CheckSignatures, RevokedKeysDoNotCount) {
  trust.revoked = {first.key.id};
  expect_refused(first.line(bytes), "revoked key");
  EXPECT_EQ(check(first.line(bytes) + second.line(bytes)).value(), std::vector<std::string>{second.key.id});
}

TEST_F(CheckSignatures, EachOfSeveralRevokedKeysDoesNotCount) {
  trust.revoked = {std::string(64, '0'), first.key.id, second.key.id, std::string(64, 'f')};
  expect_refused(first.line(bytes) + second.line(bytes), "valid signatures by 0 of");
}

// What is shown of an id is not what is compared: else one key could sign under many.
TEST_F(CheckSignatures, AKeyIsFoundByItsWholeIdAlone) {
  for (const std::size_t digit : {0U, 15U, 16U, 63U}) {
    std::string other = first.line(bytes);
    other[digit] = other[digit] == '0' ? '1' : '0';
    expect_refused(other, "unknown key");
    trust.threshold = 2;
    expect_refused(first.line(bytes) + other, "valid signatures by 1 of the 2 keys needed");
    trust.threshold = 1;
  }
}

TEST_F(CheckSignatures, OtherPrefixOrBytesDoNotCount) {
  expect_refused(first.line(bytes, ""), "invalid signature");
  expect_refused(first.line(bytes, std::string_view("composefs-root manifest v1")));
  expect_refused(first.line(bytes, std::string_view("composefs-root bundle v1\0", 25)));
  expect_refused(first.line(bytes + " "));
  // The border between prefix and bytes is fixed by the NUL.
  expect_refused(first.line(bytes.substr(1), cat(manifest_signature_prefix.substr(0, 26), bytes[0])));
}

TEST_F(CheckSignatures, AlgorithmMustBeTheKeysOwn) {
  std::string line = first.line(bytes);
  line.replace(line.find("ed25519"), 7, "ecdsa-p256-sha256");
  expect_refused(line, "not the algorithm of this key");
}

TEST_F(CheckSignatures, SignatureUnderAnotherKeysIdDoesNotCount) {
  std::string line = second.line(bytes);
  line.replace(0, 64, first.key.id);
  expect_refused(line, "invalid signature");
}

TEST_F(CheckSignatures, MalformedLineRefusesEvenBesideAValidOne) {
  EXPECT_EQ(check(first.line(bytes) + "junk\n").error().code(), Code::signature_malformed);
}

TEST_F(CheckSignatures, EveryFlippedBitOfTheBytesIsRefused) {
  const std::string line = first.line(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(check_signatures(manifest_signature_prefix, flipped, line, keys, trust)) << bit;
  }
}

}  // namespace
}  // namespace cfs
