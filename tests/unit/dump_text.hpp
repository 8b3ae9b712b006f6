// SPDX-License-Identifier: Apache-2.0
// A tree as the text of its dump.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "cfs/image/dump_writer.hpp"

namespace cfs {

inline std::string dump_of(const FileTree& tree) {
  std::string out;
  EXPECT_TRUE(write_dump(tree, [&](std::string_view text) {
    out += text;
    return Result<>();
  }));
  return out;
}

}  // namespace cfs
