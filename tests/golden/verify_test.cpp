// SPDX-License-Identifier: Apache-2.0
// cfs-sign verify, as it ships: the decision that a boot would take, and what it says of a command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Verify : public ::testing::Test {
 protected:
  Verify() {
    std::filesystem::create_directories(workshop_ / "root/etc");
    cfs_sign({"keygen", workshop_ / "device"});
    std::filesystem::create_directory(workshop_ / "keys");
    std::filesystem::copy_file(workshop_ / "device.pub", workshop_ / "keys/device.pub");
    add_image(workshop_ / "store", workshop_ / "root", "first", workshop_ / "device.key");
    cfs_sign({"slot", "--store", workshop_ / "store", "current", "first"});
    write(workshop_ / "policy.toml",
          "image-id = \"demo\"\nstore = \"LABEL=store\"\n"
          "[cmdline]\nallow = [\"reboot=k\"]\nhide = [\"androidboot.*\"]\n");
  }

  [[nodiscard]] Outcome verify(const std::string& cmdline) const {
    return run({cfs_sign_program, "verify", "--policy", workshop_ / "policy.toml", "--keys",
                workshop_ / "keys", "--store", workshop_ / "store", "--cmdline", cmdline});
  }

  Workshop workshop_;
};

TEST_F(Verify, ExplainsEachWordOfACommandLine) {
  const Outcome outcome = verify("console=ttyS0 reboot=k androidboot.slot=a init=/sbin/init");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(
      outcome.output,
      StartsWith("word              console=ttyS0: allowed: where the kernel and init write\n"
                 "word              reboot=k: opened: by the policy's cmdline.allow\n"
                 "word              androidboot.slot=a: hidden: by the policy's cmdline.hide: the kernel "
                 "alone sees it\n"
                 "word              init=/sbin/init: allowed: "));
  EXPECT_THAT(outcome.output, HasSubstr("\ninit              /sbin/init\n"));
}

TEST_F(Verify, RefusesWhatTheBootWouldRefuse) {
  const Outcome outcome = verify("quiet mitigations=off evil");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("quiet: allowed: "), HasSubstr("mitigations=off: refused: "),
                                    HasSubstr("evil: refused: ")));
  EXPECT_THAT(outcome.errors, StartsWith("cfs-sign: parameter-refused: mitigations=off: "));
}

}  // namespace
}  // namespace cfs::test
