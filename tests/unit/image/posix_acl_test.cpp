// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/posix_acl.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

using Tag = AclEntry::Tag;

TEST(PosixAcl, IsInTheKernelsOrder) {
  const std::string expected(
      "\x02\0\0\0"
      "\x01\0\x06\0\xff\xff\xff\xff"
      "\x02\0\x07\0\x05\0\0\0"
      "\x02\0\x04\0\x39\x30\x01\0"
      "\x04\0\x04\0\xff\xff\xff\xff"
      "\x10\0\x07\0\xff\xff\xff\xff"
      "\x20\0\0\0\xff\xff\xff\xff",
      52);
  EXPECT_EQ(posix_acl_value({{Tag::other, 0},
                             {Tag::user, 4, 77881},
                             {Tag::mask, 7},
                             {Tag::owner, 6},
                             {Tag::user, 7, 5},
                             {Tag::owning_group, 4}}),
            expected);
}

}  // namespace
}  // namespace cfs
