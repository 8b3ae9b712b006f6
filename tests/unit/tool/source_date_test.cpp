// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/source_date.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace cfs {
namespace {

TEST(SourceDate, IsWhatTheVariableSays) {
  ::unsetenv("SOURCE_DATE_EPOCH");
  EXPECT_EQ(source_date().value(), std::nullopt);
  for (const auto& [text, seconds] :
       {std::pair("0", 0U), {"1700000000", 1700000000U}, {"2147483647", 2147483647U}}) {
    ::setenv("SOURCE_DATE_EPOCH", text, 1);
    EXPECT_EQ(source_date().value(), seconds);
  }
  for (const char* text : {"", "now", "-1", "1.5", "2147483648", " 1", "99999999999"}) {
    ::setenv("SOURCE_DATE_EPOCH", text, 1);
    const auto refused = source_date();
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code(), Code::usage);
  }
  ::unsetenv("SOURCE_DATE_EPOCH");
}

}  // namespace
}  // namespace cfs
