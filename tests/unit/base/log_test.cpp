// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/log.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

TEST(LogText, IsOneLineThatFitsIntoARecord) {
  EXPECT_EQ(log_text("program", "what happened"), "program: what happened\n");
  const std::string text = log_text("program", std::string(5000, 'x'));
  EXPECT_EQ(text, "program: " + std::string(900, 'x') + "\n");
}

}  // namespace
}  // namespace cfs
