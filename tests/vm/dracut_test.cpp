// Boots a verified Debian 13 by initrds that dracut made with the module of this project: of Debian 12 and
// 13, with systemd, and with what an attacker or a mistake could do to such an initrd.
#include <gmock/gmock.h>

#include "build_host.hpp"
#include "qemu/machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto boot_timeout = std::chrono::seconds(300);

// Mounted after the first look of the guard, as a line of the root's own fstab would be.
constexpr auto mount_below_root =
    "[Unit]\n"
    "DefaultDependencies=no\n"
    "After=initrd-root-fs.target\n"
    "Before=initrd-fs.target\n"
    "[Mount]\n"
    "What=tmpfs\n"
    "Where=/sysroot/opt\n"
    "Type=tmpfs\n";

// The disk that all of these machines boot from, and what trusts it.
class SignedDisk {
 public:
  SignedDisk() {
    const std::filesystem::path root = must({CFS_SOURCE "/qemu/debian-root", "trixie"});
    cfs_sign({"keygen", workshop_ / "device"});
    const auto store = workshop_ / "store";
    digest_ = add_image(store, root, "debian", workshop_ / "device.key", {"--etc", "transient"});
    cfs_sign({"slot", "--store", store, "current", "debian"});
    cfs_sign({"disk", "--store", store, "-o", disk()});
    std::filesystem::remove_all(store);
  }
  [[nodiscard]] std::filesystem::path disk() const { return workshop_ / "disk.img"; }
  [[nodiscard]] std::filesystem::path key() const { return workshop_ / "device.pub"; }
  [[nodiscard]] const std::string& digest() const { return digest_; }

 private:
  Workshop workshop_;
  std::string digest_;
};

const SignedDisk& signed_disk() {
  static const SignedDisk disk;
  return disk;
}

// Boots until the machine powers itself off.
SerialLog boot(const BuildHost& host, const std::string& parameters = "",
               const std::vector<std::string>& dracut_options = {}) {
  MachineOptions options;
  options.kernel = host.kernel().image;
  options.initrd = made_initrd(host, "composefs-root", dracut_options);
  options.cmdline = "console=" + serial_console() +
                    " panic=-1 systemd.firstboot=off composefs-root-demo.check " + parameters;
  options.disks.push_back({.file = signed_disk().disk()});
  return boot_until_off(options, boot_timeout);
}

class Dracut : public ::testing::TestWithParam<Suites> {
 protected:
  const BuildHost host_{GetParam(), signed_disk().key(), disk_policy};
};

TEST_P(Dracut, BootsToMultiUserFromAVerifiedRoot) {
  const auto log = boot(host_);
  EXPECT_THAT(log, came_up(signed_disk().digest()));
  EXPECT_THAT(log.text, AllOf(HasSubstr(R"("mounts": [{"path": "/", )"), HasSubstr(R"({"path": "/var", )")));
}

// For the machine on which dracut runs, and no other: what the tests' machine has besides is named, as dracut
// has it.
TEST_P(Dracut, BootsByAnInitrdForOneMachine) {
  EXPECT_THAT(boot(host_, "", {"--hostonly", "--add-drivers", "virtio_blk virtio_pci"}),
              came_up(signed_disk().digest()));
}

TEST_P(Dracut, FailsClosedWithoutTheGenerator) {
  std::filesystem::remove(host_.root() / "usr/lib/systemd/system-generators/composefs-root-generator");
  const auto log = boot(host_);
  EXPECT_THAT(log, AllOf(Says("composefs-root: root-replaced: no verified root was made for /sysroot"),
                         Says("composefs-root: the boot failed: poweroff")));
  EXPECT_THAT(log.text, Not(HasSubstr("composefs-root-demo: state")));
}

TEST_P(Dracut, GivesNoShellToACommandLineThatAsksForOne) {
  const auto log =
      boot(host_, "rd.break rd.shell rescue rd.systemd.unit=emergency.target systemd.debug_shell");
  EXPECT_THAT(log, AllOf(Says("parameter-refused"), Says("composefs-root: the boot failed: poweroff")));
  EXPECT_THAT(log.text, AllOf(Not(HasSubstr("composefs-root-demo: state")), Not(HasSubstr("sh-5.")),
                              Not(HasSubstr("maintenance"))));
}

TEST_P(Dracut, RefusesToEnterARootWithMoreMounted) {
  host_.add_unit("sysroot-opt.mount", mount_below_root, "initrd-fs.target");
  const auto log = boot(host_);
  EXPECT_THAT(log, AllOf(Says("verified and attached"),
                         Says("composefs-root: root-replaced: /sysroot/opt is a mount that was not verified"),
                         Says("composefs-root: the boot failed: poweroff")));
  EXPECT_THAT(log.text, Not(HasSubstr("composefs-root-demo: state")));
}

TEST_P(Dracut, InstallsUnitsThatSystemdUnderstands) {
  const Outcome verified = run({"chroot", host_.root(), "systemd-analyze", "verify", "--man=no",
                                "composefs-root-cmdline.service", "composefs-root-failure.service",
                                "composefs-root-guard.service", "composefs-root-guard-switch.service"});
  EXPECT_EQ(verified.status, 0);
  EXPECT_EQ(verified.errors, "");
}

TEST_P(Dracut, MakesNoInitrdThatCouldBootNothing) {
  std::filesystem::remove(host_.root() / "etc/composefs-root/keys/device.pub");
  const Outcome keyless = host_.dracut();
  EXPECT_NE(keyless.status, 0);
  EXPECT_THAT(keyless.errors + keyless.output, HasSubstr("composefs-root: key-missing"));
  std::filesystem::remove(host_.policy());
  const Outcome without_policy = host_.dracut();
  EXPECT_NE(without_policy.status, 0);
  EXPECT_THAT(without_policy.errors + without_policy.output, HasSubstr("composefs-root: policy-missing"));
  EXPECT_FALSE(std::filesystem::exists(host_.initrd()));
}

INSTANTIATE_TEST_SUITE_P(Suites, Dracut, ::testing::Values(debian12, debian13),
                         [](const auto& suites) { return suites.param.name; });

}  // namespace
}  // namespace cfs::test
