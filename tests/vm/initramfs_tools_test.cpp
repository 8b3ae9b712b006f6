// SPDX-License-Identifier: Apache-2.0
// Boots a verified Debian 13 by the initramfs that its own update-initramfs made with this project's hook.
#include <gmock/gmock.h>

#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// initramfs-tools is part of every Debian system that was not told otherwise.
class InitramfsTools : public ::testing::Test {
 protected:
  InitramfsTools() {
    install("initramfs-tools", host_.root());
    std::filesystem::copy(host_.configuration(), configuration(), std::filesystem::copy_options::recursive);
    write(configuration() / "modules", "virtio_pci  # the bus of\nvirtio_blk\n");
  }

  [[nodiscard]] std::filesystem::path configuration() const { return host_.root() / "etc/composefs-root"; }
  [[nodiscard]] std::filesystem::path initramfs() const {
    return host_.root() / "boot" / ("initrd.img-" + release_);
  }
  [[nodiscard]] Outcome update() const {
    return run_in(host_.root(), {"update-initramfs", "-c", "-k", release_});
  }

  const HostSystem host_{HostSystem::policy()};
  const std::string release_ = host_.kernel().modules.filename();
};

TEST_F(InitramfsTools, MakesOneThatBootsAVerifiedRoot) {
  const Outcome made = update();
  ASSERT_EQ(made.status, 0) << made.output << made.errors;
  const std::string digest = host_.add_image("debian", "current");
  host_.make_disk();
  Console console(host_.machine(initramfs()));
  EXPECT_THAT(console.run("cfs-sign status; echo status $?"),
              AllOf(HasSubstr(digest), HasSubstr("status 0")));
  console.power_off();
}

TEST_F(InitramfsTools, LeavesNoneWhereItCannotMakeOne) {
  std::filesystem::remove(configuration() / "keys/device.pub");
  const Outcome made = update();
  EXPECT_NE(made.status, 0);
  EXPECT_THAT(made.errors, AllOf(HasSubstr("key-missing"), HasSubstr("removed /boot/initrd.img-")));
  EXPECT_FALSE(std::filesystem::exists(initramfs()));
}

TEST_F(InitramfsTools, LeavesAloneASystemWithoutAPolicy) {
  std::filesystem::remove(configuration() / "policy.toml");
  const Outcome made = update();
  EXPECT_EQ(made.status, 0);
  EXPECT_THAT(run_in(host_.root(), {"lsinitramfs", "/boot/initrd.img-" + release_}).output,
              AllOf(HasSubstr("scripts/local"), Not(HasSubstr("composefs-root"))));
}

}  // namespace
}  // namespace cfs::test
