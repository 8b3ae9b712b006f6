// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/xattr.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <algorithm>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

class Xattrs : public testing::Test {
 protected:
  void SetUp() override {
    if (::setxattr(path.c_str(), "user.probe", "", 0, 0) != 0) {
      GTEST_SKIP() << "the file system of the temporary directory has no user attributes";
    }
    ASSERT_EQ(::removexattr(path.c_str(), "user.probe"), 0);
  }

  // Only those of users: a security module may add its own.
  [[nodiscard]] std::vector<Xattr> user_xattrs(int flags) const {
    auto xattrs = read_xattrs(Fd(::open(path.c_str(), flags | O_CLOEXEC))).value();
    std::erase_if(xattrs, [](const Xattr& xattr) { return !xattr.name.starts_with("user."); });
    std::ranges::sort(xattrs);
    return xattrs;
  }

  TempDirectory directory;
  std::string path = directory.write("file", "");
};

TEST_F(Xattrs, AreNoneAtFirst) {
  EXPECT_TRUE(user_xattrs(O_RDONLY).empty());
}

TEST_F(Xattrs, AreReadWithEmptyAndLongAndBinaryValues) {
  const std::string longer(3000, 'l');
  const std::string binary("\0\xff\n", 3);
  ASSERT_EQ(::setxattr(path.c_str(), "user.empty", "", 0, 0), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "user.long", longer.data(), longer.size(), 0), 0);
  ASSERT_EQ(::setxattr(path.c_str(), "user.raw", binary.data(), binary.size(), 0), 0);
  for (const int flags : {O_RDONLY, O_PATH}) {
    const auto xattrs = user_xattrs(flags);
    ASSERT_EQ(xattrs.size(), 3U);
    EXPECT_EQ(xattrs[0], (Xattr{"user.empty", ""}));
    EXPECT_EQ(xattrs[1], (Xattr{"user.long", longer}));
    EXPECT_EQ(xattrs[2], (Xattr{"user.raw", binary}));
  }
}

// On a tmpfs: ext4 has room for one block of attributes.
TEST(LargeXattrs, AreRefused) {
  const TempDirectory memory("/dev/shm");
  const std::string path = memory.write("file", "");
  const std::string value(33000, 'v');
  // Before Linux 6.6 a tmpfs has no user.*; trusted.* is root's.
  if (::setxattr(path.c_str(), "user.large", value.data(), value.size(), 0) != 0 &&
      ::setxattr(path.c_str(), "trusted.large", value.data(), value.size(), 0) != 0) {
    GTEST_SKIP() << "neither user.* nor trusted.* attributes can be set in /dev/shm";
  }
  EXPECT_EQ(read_xattrs(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC))).error().code(),
            Code::unsupported_input);
}

}  // namespace
}  // namespace cfs
