// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/host_advice.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace cfs {
namespace {

TEST(HostAdvice, IsAClauseForEachCode) {
  for (int i = 0; i <= static_cast<int>(Code::door_open); ++i) {
    const std::string_view advice = host_advice(static_cast<Code>(i));
    EXPECT_FALSE(advice.empty()) << i;
    EXPECT_FALSE(advice.ends_with('.')) << advice;
  }
}

TEST(HostAdvice, TellsNobodyAtABuildHostToMendADevice) {
  for (const Code code :
       {Code::path_refused, Code::store_malformed, Code::manifest_missing, Code::image_missing,
        Code::digest_mismatch, Code::object_damaged, Code::object_missing, Code::policy_missing,
        Code::policy_malformed, Code::key_missing, Code::no_candidate, Code::signature_untrusted,
        Code::version_too_low, Code::image_id_mismatch}) {
    const std::string_view advice = host_advice(code);
    for (const std::string_view word : {"install", "tampered", "initramfs", "repair", "device"}) {
      EXPECT_EQ(advice.find(word), std::string_view::npos) << name(code) << ": " << advice;
    }
    EXPECT_NE(advice, cfs::advice(code)) << name(code);
  }
}

}  // namespace
}  // namespace cfs
