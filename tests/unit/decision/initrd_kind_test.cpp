// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/initrd_kind.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

Policy policy(CmdlineTrust trust) {
  Policy policy;
  policy.cmdline.trust = trust;
  return policy;
}
const Policy untrusted = policy(CmdlineTrust::untrusted_cmdline);
const Policy trusted = policy(CmdlineTrust::signed_cmdline);

class Initrd : public testing::Test {
 protected:
  void add_systemd() const {
    root.write("etc/initrd-release", "");
    ASSERT_EQ(::chmod(root.write("usr/lib/systemd/systemd", "").c_str(), 0755), 0);
  }
  [[nodiscard]] InitrdKind kind() const { return initrd_kind(root.path()); }
  [[nodiscard]] bool accepts(const Policy& policy) const {
    const auto checked = check_front_door(root.path(), policy);
    EXPECT_TRUE(checked || checked.error().code() == Code::initrd_refused);
    return checked.has_value();
  }

  TempDirectory root;
};

TEST_F(Initrd, IsInOnePieceWithSystemdBesideThisProgram) {
  EXPECT_EQ(kind(), InitrdKind::own);
  root.write("usr/lib/systemd/systemd", "not executable");
  root.write("etc/initrd-release", "");
  EXPECT_EQ(kind(), InitrdKind::own);
  add_systemd();
  EXPECT_EQ(kind(), InitrdKind::one_piece);
  std::filesystem::remove(root.path("etc/initrd-release"));
  EXPECT_EQ(kind(), InitrdKind::own);
}

TEST_F(Initrd, IsInTwoPartsWithAnInnerArchive) {
  root.write("usr/lib/composefs-root/inner.cpio", "");
  EXPECT_EQ(kind(), InitrdKind::two_parts);
  add_systemd();
  EXPECT_EQ(kind(), InitrdKind::two_parts);
}

TEST_F(Initrd, MayBeInOnePieceWhereTheCommandLineIsSigned) {
  const auto refused = check_initrd_kind(InitrdKind::one_piece, untrusted);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::initrd_refused);
  EXPECT_TRUE(check_initrd_kind(InitrdKind::one_piece, trusted));
  for (const Policy& any : {untrusted, trusted}) {
    EXPECT_TRUE(check_initrd_kind(InitrdKind::two_parts, any));
    EXPECT_TRUE(check_initrd_kind(InitrdKind::own, any));
  }
}

TEST_F(Initrd, NeedsItsFrontDoorWhereTheCommandLineIsNotSigned) {
  EXPECT_TRUE(accepts(untrusted));  // no initrd
  root.write("etc/initrd-release", "");
  EXPECT_FALSE(accepts(untrusted));
  EXPECT_TRUE(accepts(trusted));
  root.write("run/composefs-root/front-door", "");
  EXPECT_TRUE(accepts(untrusted));
}

TEST_F(Initrd, IsOneWhereSystemdSaysSo) {
  EXPECT_FALSE(in_initrd(root.path()));
  ASSERT_EQ(::setenv("SYSTEMD_IN_INITRD", "0", 1), 0);
  EXPECT_FALSE(in_initrd(root.path()));
  ASSERT_EQ(::setenv("SYSTEMD_IN_INITRD", "1", 1), 0);
  EXPECT_TRUE(in_initrd(root.path()));
  EXPECT_FALSE(accepts(untrusted));
  ASSERT_EQ(::unsetenv("SYSTEMD_IN_INITRD"), 0);
}

}  // namespace
}  // namespace cfs
