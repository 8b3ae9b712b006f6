// SPDX-License-Identifier: Apache-2.0
// Boots a verified Debian 13 by initrds that dracut made with the module of this project: of Debian 13, and
// with CFS_FULL of 12 and unstable, with systemd, and with what an attacker or a mistake could do to such an
// initrd.
#include <gmock/gmock.h>

#include <cstdio>
#include <optional>
#include <regex>

#include "build_host.hpp"
#include "qemu/machine.hpp"
#include "unit/newc_archive.hpp"

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

// A part of the image: what the kernel and the initrd gave to the first program.
constexpr auto first_program_unit =
    "[Service]\n"
    "Type=oneshot\n"
    "ExecStart=/bin/sh -c 'for file in cmdline environ; do"
    " echo guest: pid1 $file: $(tr \"\\\\0\" \" \" </proc/1/$file); done'\n"
    "StandardOutput=tty\n"
    "TTYPath=/dev/console\n";

// The disk that all of these machines boot from, and what trusts it.
class SignedDisk {
 public:
  SignedDisk() {
    const auto root = workshop_ / "root";
    must({"cp", "-a", must({CFS_SOURCE "/qemu/debian-root", "trixie"}), root});
    const auto units = root / "usr/lib/systemd/system";
    write(units / "first-program.service", first_program_unit);
    std::filesystem::create_symlink("../first-program.service",
                                    units / "multi-user.target.wants/first-program.service");
    cfs_sign({"keygen", workshop_ / "device"});
    const auto store = workshop_ / "store";
    digest_ = add_image(store, root, "debian", workshop_ / "device.key", {"--etc", "transient"});
    cfs_sign({"slot", "--store", store, "current", "debian"});
    cfs_sign({"disk", "--store", store, "-o", disk()});
    std::filesystem::remove_all(store);
    std::filesystem::remove_all(root);
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

SerialLog boot_by(const std::filesystem::path& initrd, const KernelFiles& kernel,
                  const std::string& parameters) {
  MachineOptions options;
  options.kernel = kernel.image;
  options.initrd = initrd;
  options.cmdline = "console=" + serial_console() +
                    " panic=-1 systemd.firstboot=off composefs-root-demo.check " + parameters;
  options.disks.push_back({.file = signed_disk().disk()});
  return boot_until_off(options, boot_timeout);
}

// Boots until the machine powers itself off.
SerialLog boot(const BuildHost& host, const std::string& parameters = "",
               const std::vector<std::string>& dracut_options = {}) {
  return boot_by(made_initrd(host, "composefs-root", dracut_options), host.kernel(), parameters);
}

class Dracut : public ::testing::TestWithParam<Suites> {
 protected:
  void SetUp() override {
    if (GetParam().name != std::string(debian13.name) && !full_run()) {
      GTEST_SKIP() << "only with CFS_FULL";
    }
    host_.emplace(GetParam(), signed_disk().key(), disk_policy);
  }
  [[nodiscard]] const BuildHost& host() const { return *host_; }

 private:
  std::optional<BuildHost> host_;
};

TEST_P(Dracut, BootsToMultiUserFromAVerifiedRoot) {
  const auto log = boot(host(), "probe=environment probe");
  EXPECT_THAT(log, came_up(signed_disk().digest()));
  std::smatch unpacked;
  ASSERT_TRUE(std::regex_search(log.text, unpacked, std::regex("unpacked the inner archive: [^\r\n]*")));
  std::printf("%s\n", unpacked.str().c_str());
  EXPECT_THAT(said(log, "pid1 environ"), AllOf(HasSubstr("TERM="), Not(HasSubstr("probe"))));
  EXPECT_THAT(said(log, "pid1 cmdline"), Not(HasSubstr("probe")));
  EXPECT_THAT(log.text, AllOf(HasSubstr(R"("mounts": [{"path": "/", )"), HasSubstr(R"({"path": "/var", )")));
}

// For the machine on which dracut runs, and no other: what the tests' machine has besides is named, as dracut
// has it.
TEST_P(Dracut, BootsByAnInitrdForOneMachine) {
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  EXPECT_THAT(boot(host(), "", {"--hostonly", "--add-drivers", "virtio_blk virtio_pci"}),
              came_up(signed_disk().digest()));
}

// As PID 1 does: refused_test.cpp and completeness_test.cpp have more of each.
TEST_P(Dracut, RefusesTheDisksThatPid1Refuses) {
  const auto& machine = small_machine();
  write(host().policy(),
        "image-id = \"demo\"\nstore = \"LABEL=composefs-store\"\ndevice-timeout = 30\n"
        "[failure]\naction = \"poweroff\"\n" +
            test_words);
  std::filesystem::copy_file(machine.workshop() / "device.pub",
                             host().root() / "etc/composefs-root/keys/small.pub");
  MachineOptions options;
  options.kernel = host().kernel().image;
  options.initrd = made_initrd(host());
  options.cmdline = "console=" + serial_console() + " panic=-1";
  const std::string suite = GetParam().name;

  MachineOptions removable = options;
  removable.extra = {"-drive",
                     "if=none,format=raw,snapshot=on,id=stick,file=" +
                         machine.copy_of_store_disk("removable-" + suite).string(),
                     "-device",
                     "virtio-scsi-pci",
                     "-device",
                     "scsi-hd,drive=stick,removable=on"};
  EXPECT_THAT(boot_until_off(removable, boot_timeout),
              AllOf(RefusedWith("device-missing"), Says("/dev/sda does not count, being removable")));

  const auto boot_from = [&](const std::filesystem::path& disk) {
    MachineOptions with_disk = options;
    with_disk.disks.push_back({.file = disk});
    return boot_until_off(with_disk, boot_timeout);
  };
  const auto root = machine.workshop() / "root";
  const auto incomplete = machine.store_disk("incomplete-" + suite, [&](const std::filesystem::path& store) {
    add_image(store, root, "whole", machine.workshop() / "device.key", {"--complete", "/etc"});
    cfs_sign({"slot", "--store", store, "current", "whole"});
  });
  StoreFileSystem(incomplete).edit("unlink " + object_path(verity_digest(root / "etc/large")));
  EXPECT_THAT(boot_from(incomplete), AllOf(RefusedWith("object-missing"), Says("/etc/large: ")));

  EXPECT_THAT(boot_from(machine.disk_with_mount_option("panic-" + suite)),
              RefusedWith("file-system-refused"));
  EXPECT_THAT(boot_from(machine.disk_with_mount_option_in_journal("journal-" + suite)),
              AllOf(RefusedWith("file-system-refused"), Says("after its journal was replayed")));
  // Where the kernel takes the inode at all: since the autumn of 2025 it does not.
  EXPECT_THAT(boot_from(machine.disk_with_image_in_inode("inline-" + suite)), RefusedWith("verity-missing"));
}

TEST_P(Dracut, FailsClosedWithoutTheGenerator) {
  std::filesystem::remove(host().root() / "usr/lib/systemd/system-generators/composefs-root-generator");
  const auto log = boot(host());
  EXPECT_THAT(log, AllOf(Says("composefs-root: root-replaced: no verified root was made for /sysroot"),
                         Says("composefs-root: the boot failed: poweroff")));
  EXPECT_THAT(log.text, Not(HasSubstr("composefs-root-demo: state")));
}

// The front door does so, before there is a systemd: front_door_test.cpp has more words.
TEST_P(Dracut, GivesNoShellToACommandLineThatAsksForOne) {
  const auto log =
      boot(host(), "rd.break rd.shell rescue rd.systemd.unit=emergency.target systemd.debug_shell");
  EXPECT_THAT(log, AllOf(Says("composefs-root: parameter-refused: rd.break"), Says("reboot: Power down")));
  EXPECT_THAT(log.text, Not(HasSubstr("systemd[1]")));
}

// With a signed command line, an initrd in one piece; and what becomes of it in other hands.
TEST_P(Dracut, MakesOnePieceWhereTheCommandLineIsSigned) {
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  write(host().policy(), disk_policy + "trust = \"signed\"\n");
  const auto initrd = made_initrd(host());
  // Newer versions of dracut write more archives than one.
  const Outcome listed = run_in(host().root(), {"lsinitrd", "/" + initrd.filename().string()});
  EXPECT_THAT(listed.output, AllOf(HasSubstr("usr/lib/systemd/systemd\n"), Not(HasSubstr("inner.cpio"))))
      << listed.errors;
  EXPECT_THAT(boot_by(initrd, host().kernel(), "systemd.log_level=info"), came_up(signed_disk().digest()));

  const auto tampered = host().root() / "tampered.img";
  std::string bytes = read_bytes(initrd);
  bytes.resize((bytes.size() + 3) / 4 * 4);
  write(tampered,
        bytes + newc_archive({
                    ArchiveEntry{.name = "etc/composefs-root/policy.toml", .contents = disk_policy},
                    ArchiveEntry{.name = "usr/lib/composefs-root/composefs-root",
                                 .mode = 0100755,
                                 .contents = read_bytes(initrd_program)},
                    ArchiveEntry{.name = "init", .mode = 0120777, .contents = "usr/lib/systemd/systemd"},
                }));
  const auto log = boot_by(tampered, host().kernel(), "");
  EXPECT_THAT(log,
              AllOf(Says("composefs-root: initrd-refused: composefs-root is not the /init of this initrd"),
                    Says("composefs-root: the boot failed: poweroff"), Not(Says("verified and attached"))));
}

TEST_P(Dracut, RefusesToEnterARootWithMoreMounted) {
  host().add_unit("sysroot-opt.mount", mount_below_root, "initrd-fs.target");
  const auto log = boot(host());
  EXPECT_THAT(log, AllOf(Says("verified and attached"),
                         Says("composefs-root: root-replaced: /sysroot/opt is a mount that was not verified"),
                         Says("composefs-root: the boot failed: poweroff")));
  EXPECT_THAT(log.text, Not(HasSubstr("composefs-root-demo: state")));
}

TEST_P(Dracut, InstallsUnitsThatSystemdUnderstands) {
  const Outcome verified =
      run({"chroot", host().root(), "systemd-analyze", "verify", "--man=no", "composefs-root-failure.service",
           "composefs-root-guard.service", "composefs-root-guard-switch.service"});
  EXPECT_EQ(verified.status, 0);
  EXPECT_EQ(verified.errors, "");
}

TEST_P(Dracut, MakesNoInitrdThatCouldBootNothing) {
  std::filesystem::remove(host().root() / "etc/composefs-root/keys/device.pub");
  const Outcome keyless = host().dracut();
  EXPECT_NE(keyless.status, 0);
  EXPECT_THAT(keyless.errors + keyless.output, HasSubstr("composefs-root: key-missing"));
  std::filesystem::remove(host().policy());
  const Outcome without_policy = host().dracut();
  EXPECT_NE(without_policy.status, 0);
  EXPECT_THAT(without_policy.errors + without_policy.output, HasSubstr("composefs-root: policy-missing"));
  EXPECT_FALSE(std::filesystem::exists(host().initrd()));
}

// Of modules of dracut's that would widen what is trusted, one cannot be there, and the others are named.
TEST_P(Dracut, SaysWhatOtherModulesAdd) {
  for (const char* name : {"98resume", "99base", "99squash"}) {
    const auto module = host().root() / "usr/lib/dracut/modules.d" / name;
    std::filesystem::create_directories(module);
    write(module / "module-setup.sh", "#!/bin/bash\ncheck() { return 0; }\n");
  }
  const auto said_of = [](const Outcome& outcome) { return outcome.errors + outcome.output; };
  const Outcome warned = host().dracut("composefs-root base resume");
  EXPECT_EQ(warned.status, 0);
  EXPECT_THAT(said_of(warned), AllOf(HasSubstr("composefs-root: dracut's module base runs shell hooks"),
                                     HasSubstr("composefs-root: dracut's module resume resumes from")));
  std::filesystem::remove(host().initrd());
  const Outcome refused = host().dracut("composefs-root squash");
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(said_of(refused),
              HasSubstr("composefs-root: dracut's module squash has the kernel start its own"));
  EXPECT_FALSE(std::filesystem::exists(host().initrd()));
}

INSTANTIATE_TEST_SUITE_P(Suites, Dracut, ::testing::Values(debian12, debian13, debian_unstable),
                         [](const auto& suites) { return suites.param.name; });

}  // namespace
}  // namespace cfs::test
