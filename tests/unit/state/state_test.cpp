// SPDX-License-Identifier: Apache-2.0
#include "cfs/state/state.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

TEST(MachineIdText, IsWhatMachineIdFivePrescribes) {
  EXPECT_TRUE(is_machine_id("0123456789abcdef0123456789abcdef\n"));
  for (const char* bad : {"", "\n", "uninitialized\n", "0123456789abcdef0123456789abcdef",
                          "0123456789ABCDEF0123456789abcdef\n", "0123456789abcdef0123456789abcdef\n\n",
                          "0123456789abcdef0123456789abcde\n", "0123456789abcdef0123456789abcdefa\n",
                          "01234567-9abc-ef01-2345-6789abcdef12\n", "00000000000000000000000000000000\n"}) {
    EXPECT_FALSE(is_machine_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace cfs
