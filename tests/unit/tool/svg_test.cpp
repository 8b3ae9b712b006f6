// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/svg.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

TEST(Format, WritesAsPrintf) {
  EXPECT_EQ(format("%.1f of %s, 100 %%", 2.25, "four"), "2.2 of four, 100 %");
  EXPECT_EQ(format("%s", ""), "");
}

TEST(Format, CutsNothing) {
  const std::string long_text(5000, 'x');
  EXPECT_EQ(format("<%s>", long_text.c_str()), "<" + long_text + ">");
}

TEST(GridStep, IsOneTwoOrFiveTimesAPowerOfTen) {
  EXPECT_DOUBLE_EQ(grid_step(10, 10), 1);
  EXPECT_DOUBLE_EQ(grid_step(11, 10), 2);
  EXPECT_DOUBLE_EQ(grid_step(450, 10), 50);
  EXPECT_DOUBLE_EQ(grid_step(51, 10), 10);
  EXPECT_DOUBLE_EQ(grid_step(0.3, 10), 0.05);
}

}  // namespace
}  // namespace cfs
