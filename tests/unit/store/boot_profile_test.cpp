// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/boot_profile.hpp"

#include <gtest/gtest.h>

#include "cfs/base/text.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

const std::string digest_a = "sha256:" + std::string(64, 'a');
const std::string digest_b = "sha512:" + std::string(128, 'b');
const std::string head = "composefs-root boot profile 1\nimage " + digest_a + "\n";

TEST(BootProfile, SaysWhatToReadAndInWhichOrder) {
  const std::string text = head + digest_b + " 0+3 7+1\n" + digest_a + " 4294967295+4294967295\n";
  const auto profile = parse_boot_profile(text);
  ASSERT_TRUE(profile) << profile.error().line();
  EXPECT_EQ(profile->image.text(), digest_a);
  ASSERT_EQ(profile->objects.size(), 2U);
  EXPECT_EQ(profile->objects[0].digest.text(), digest_b);
  EXPECT_EQ(profile->objects[0].ranges, (std::vector<BootProfile::Range>{{0, 3}, {7, 1}}));
  EXPECT_EQ(profile->objects[1].ranges, (std::vector<BootProfile::Range>{{UINT32_MAX, UINT32_MAX}}));
  EXPECT_EQ(format_boot_profile(*profile), text);
}

TEST(BootProfile, MayBeEmpty) {
  const auto profile = parse_boot_profile(head);
  ASSERT_TRUE(profile) << profile.error().line();
  EXPECT_TRUE(profile->objects.empty());
}

TEST(BootProfile, HasOneSpelling) {
  const std::string good = head + digest_a + " 0+3 7+1\n";
  ASSERT_TRUE(parse_boot_profile(good));
  for (const std::string& text : {std::string(),
                                  std::string("\n"),
                                  good.substr(0, good.size() - 1),
                                  good + "\n",
                                  "\n" + good,
                                  "composefs-root boot profile 2" + good.substr(good.find('\n')),
                                  good + digest_a + " 0+1\n",
                                  std::string("composefs-root boot profile 1\n") + digest_a + " 0+1\n",
                                  head + digest_a + "\n",
                                  head + digest_a + " \n",
                                  head + digest_a + " 0\n",
                                  head + digest_a + " 0+\n",
                                  head + digest_a + " +1\n",
                                  head + digest_a + " 0+0\n",
                                  head + digest_a + " 00+1\n",
                                  head + digest_a + " 0+01\n",
                                  head + digest_a + "  0+1\n",
                                  head + digest_a + " 0+1 \n",
                                  head + digest_a + " 0+3 3+1\n",
                                  head + digest_a + " 4+1 0+1\n",
                                  head + digest_a + " -1+1\n",
                                  head + digest_a + " 4294967296+1\n",
                                  head + digest_a + " 0+1\r\n",
                                  head + "../../etc/passwd 0+1\n",
                                  head + digest_a.substr(1) + " 0+1\n"}) {
    const auto profile = parse_boot_profile(text);
    ASSERT_FALSE(profile) << printable(text);
    EXPECT_EQ(profile.error().code(), Code::profile_malformed) << printable(text);
  }
}

TEST(BootProfile, HasALimit) {
  std::string text = head + digest_a;
  for (unsigned i = 0; text.size() < boot_profile_max_bytes; ++i) {
    text += cat(' ', 2 * i, "+1");
  }
  EXPECT_EQ(parse_boot_profile(text + "\n").error().code(), Code::profile_malformed);
}

TEST(BootProfile, IsReadFromAFile) {
  const TempDirectory directory;
  const std::string good = head + digest_a + " 0+1\n";
  EXPECT_EQ(read_boot_profile(directory.write("good", good)).value(), parse_boot_profile(good).value());
  const std::string bad = directory.write("bad", "x");
  const auto malformed = read_boot_profile(bad);
  ASSERT_FALSE(malformed);
  EXPECT_EQ(malformed.error().code(), Code::profile_malformed);
  EXPECT_TRUE(malformed.error().what().starts_with(bad)) << malformed.error().what();
  EXPECT_EQ(read_boot_profile(directory.path("absent")).error().code(), Code::not_found);
}

}  // namespace
}  // namespace cfs
