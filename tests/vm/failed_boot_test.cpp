// SPDX-License-Identifier: Apache-2.0
// How boots that must not succeed end: with the action of the policy, and with a shell only where the policy
// wants one, in both kinds of initramfs, whatever the command line says. The disks hold the small root
// (guest.cpp).
#include "build_host.hpp"
#include "qemu/machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Action {
  const char* name;        // in the policy
  const char* last_words;  // of the kernel
};
void PrintTo(const Action& action, std::ostream* stream) {
  *stream << action.name;
}

constexpr Action reboot{"reboot", "reboot: Restarting system"};
constexpr Action poweroff{"poweroff", "reboot: Power down"};
constexpr Action halt{"halt", "reboot: System halted"};

std::string policy(const std::string& failure) {
  return "image-id = \"demo\"\n"
         "store = \"LABEL=composefs-store\"\n"
         "device-timeout = 120\n"
         "[state]\n"
         "var = \"transient\"\n"
         "[failure]\n" +
         failure;
}

std::string policy(const Action& action) {
  return policy("action = \"" + std::string(action.name) + "\"\n");
}

std::filesystem::path disk_with_flipped_manifest(const std::string& name) {
  const auto disk = small_machine().copy_of_store_disk(name);
  StoreFileSystem(disk).flip_bit("composefs/manifests/first.toml", 30);
  return disk;
}

struct FailingBoot {
  std::filesystem::path disk;
  std::filesystem::path kernel;
  std::filesystem::path initramfs;
  std::string cmdline{};
};

constexpr auto boot_timeout = std::chrono::seconds(180);

Machine start(const FailingBoot& boot) {
  MachineOptions options;
  options.kernel = boot.kernel;
  options.initrd = boot.initramfs;
  options.cmdline = "console=" + serial_console() + " panic=-1 " + boot.cmdline;
  options.memory_mib = 512;
  options.disks.push_back({.file = boot.disk});
  return test::start(options);
}

// Boots until the kernel has done what the action says. A halted machine stays on until it is ended here.
SerialLog boot_until(const Action& action, const FailingBoot& boot) {
  Machine machine = start(boot);
  const auto acted = machine.wait_for(action.last_words, boot_timeout);
  EXPECT_TRUE(acted) << "no " << action.name << " after " << boot.cmdline << ": " << acted.error().line();
  return {machine.log()};
}

// What no boot that failed may show: the root's program, or a shell. systemd says that it is about to start
// one; a shell says so by its prompt.
auto entered_nothing() {
  return ::testing::ResultOf(
      "the console", [](const SerialLog& log) { return log.text; },
      AllOf(Not(HasSubstr("guest: started")), Not(HasSubstr("You are in ")),
            Not(HasSubstr("Cannot open access")), Not(HasSubstr("sh-5.")), Not(HasSubstr("maintenance"))));
}

class FailureAction : public ::testing::TestWithParam<Action> {};

TEST_P(FailureAction, IsTakenByPid1) {
  const Action& action = GetParam();
  const auto log = boot_until(action, {.disk = disk_with_flipped_manifest("flipped"),
                                       .kernel = debian_kernel(SmallMachine::suite).image,
                                       .initramfs = small_machine().initramfs(action.name, policy(action))});
  EXPECT_THAT(log, AllOf(RefusedWith("signature-untrusted"), entered_nothing()));
}

INSTANTIATE_TEST_SUITE_P(Actions, FailureAction, ::testing::Values(reboot, poweroff, halt),
                         [](const auto& action) { return action.param.name; });

// An initrd made by dracut, uncompressed so that the kernel unpacks more archives after it.
class FailedDracutBoot : public ::testing::TestWithParam<Suites> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam().name) != debian13.name && !full_run()) {
      GTEST_SKIP() << "only with CFS_FULL";
    }
    const BuildHost host(GetParam(), small_machine().workshop() / "device.pub", policy(poweroff));
    kernel_ = host.kernel().image;
    std::filesystem::rename(made_initrd(host, "composefs-root", {"--no-compress"}), initrd_);
  }

  [[nodiscard]] SerialLog boot(const std::filesystem::path& disk, const std::string& cmdline = "") const {
    return boot_until(poweroff, {.disk = disk, .kernel = kernel_, .initramfs = initrd_, .cmdline = cmdline});
  }

  // With another policy.
  [[nodiscard]] SerialLog boot(const std::filesystem::path& disk, const Action& action,
                               const std::string& policy_text) const {
    const auto changed = workshop_ / "changed.img";
    write(changed, read_bytes(initrd_) +
                       make_archive({{.path = "etc/composefs-root/policy.toml", .bytes = policy_text}}));
    return boot_until(action, {.disk = disk, .kernel = kernel_, .initramfs = changed});
  }

  [[nodiscard]] static std::filesystem::path intact_disk() {
    return small_machine().copy_of_store_disk("intact");
  }

 private:
  Workshop workshop_;
  std::filesystem::path initrd_ = workshop_ / "initrd.img";
  std::filesystem::path kernel_;
};

// What the others differ from by one thing each; and two that are refused, for which there is another: an
// image that systemd would not enter, and a manifest.
TEST_P(FailedDracutBoot, IsNotOneThatFallsBackToPrevious) {
  const auto disk = small_machine().store_disk("fallback", [](const std::filesystem::path& store) {
    cfs_sign({"slot", "--store", store, "previous", "second"});
    const auto& workshop = small_machine().workshop();
    const auto root = workshop / "nameless-root";
    must({"cp", "-a", workshop / "root", root});
    std::filesystem::remove(root / "etc/os-release");
    add_image(store, root, "nameless", workshop / "device.key", {"--var", "transient"});
  });
  StoreFileSystem(disk).flip_bit("composefs/manifests/first.toml", 30);
  const auto log = boot(disk, "composefs.image=nameless");
  EXPECT_THAT(log, Started());
  EXPECT_EQ(said(log, "etc-release"), "second\n");
  EXPECT_THAT(
      said(log, "report"),
      AllOf(HasSubstr("\"slot\": \"previous\""), HasSubstr("\"code\": \"init-failed\""),
            HasSubstr("\"code\": \"signature-untrusted\""), HasSubstr(small_machine().other_digest())));
}

TEST_P(FailedDracutBoot, TakesThePolicysAction) {
  const auto disk = disk_with_flipped_manifest("flipped");
  for (const Action& action : full_run() ? std::vector{poweroff, reboot, halt} : std::vector{poweroff}) {
    const auto log = boot(disk, action, policy(action));
    EXPECT_THAT(log, AllOf(RefusedWith("signature-untrusted"), entered_nothing(),
                           Says("composefs-root: the boot failed: " + std::string(action.name))));
  }
}

TEST_P(FailedDracutBoot, PowersOffWithoutAPolicy) {
  const auto log = boot(intact_disk(), poweroff, "");
  EXPECT_THAT(log, AllOf(RefusedWith("policy-missing"), entered_nothing()));
}

TEST_P(FailedDracutBoot, HasNoShellWhateverTheCommandLineSays) {
  std::vector<std::string> requests{"rd.systemd.unit=emergency.target"};
  if (full_run()) {
    requests.insert(requests.end(),
                    {"rd.shell", "rd.break", "rd.break=pre-mount", "systemd.debug_shell=1",
                     "rd.systemd.debug_shell=1", "rescue", "emergency", "rd.systemd.unit=rescue.target",
                     "systemd.break=pre-switch-root", "rd.systemd.wants=debug-shell.service"});
  }
  for (const std::string& request : requests) {
    SCOPED_TRACE(request);
    EXPECT_THAT(boot(intact_disk(), request), AllOf(Says("parameter-refused"), entered_nothing()));
  }
}

TEST_P(FailedDracutBoot, CannotBePreventedByMaskingWhatGuardsIt) {
  std::string all;
  for (const std::string unit : {"guard", "guard-switch", "cmdline", "failure"}) {
    const std::string mask = "rd.systemd.mask=composefs-root-" + unit + ".service ";
    all += mask;
    if (full_run()) {
      SCOPED_TRACE(mask);
      EXPECT_THAT(boot(intact_disk(), mask), AllOf(Says("parameter-refused"), entered_nothing()));
    }
  }
  EXPECT_THAT(boot(intact_disk(), all), AllOf(Says("parameter-refused"), entered_nothing()));
}

// Not from the first line: to systemd /sysroot/etc is mounted already, as the verified root has it.
TEST_P(FailedDracutBoot, FollowsFromAMountThatTheRootsOwnFstabAsksFor) {
  const auto disk = small_machine().store_disk("fstab", [](const std::filesystem::path& store) {
    const auto& workshop = small_machine().workshop();
    const auto root = workshop / "fstab-root";
    must({"cp", "-a", workshop / "root", root});
    write(root / "etc/fstab",
          "tmpfs /etc tmpfs x-initrd.mount 0 0\n"
          "tmpfs /data tmpfs x-initrd.mount 0 0\n");
    add_image(store, root, "fstab", workshop / "device.key", {"--var", "transient"});
    cfs_sign({"slot", "--store", store, "current", "fstab"});
  });
  EXPECT_THAT(boot(disk), AllOf(Says("verified and attached"), entered_nothing(),
                                Says("composefs-root: root-replaced: /sysroot/data")));
}

INSTANTIATE_TEST_SUITE_P(Suites, FailedDracutBoot, ::testing::Values(debian12, debian13, debian_unstable),
                         [](const auto& suites) { return suites.param.name; });

class DracutShell : public ::testing::TestWithParam<Suites> {};

// Although root has no password there.
TEST_P(DracutShell, OpensWhereThePolicyWantsOne) {
  if (std::string_view(GetParam().name) != debian13.name && !full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  const BuildHost host(GetParam(), small_machine().workshop() / "device.pub", policy("shell = true\n"));
  Machine machine = start({.disk = disk_with_flipped_manifest("flipped"),
                           .kernel = host.kernel().image,
                           .initramfs = made_initrd(host)});
  ASSERT_TRUE(machine.wait_for("maintenance", boot_timeout)) << machine.log();
  // sulogin(8) forgets what was typed before it listens, which is some time after it asked.
  for (int attempts = 0; attempts < 20; ++attempts) {
    ASSERT_TRUE(machine.send("\n"));
    if (machine.wait_for("# ", std::chrono::seconds(5))) {
      break;
    }
  }
  ASSERT_TRUE(machine.send("echo \"shell $((6 * 7))\"\n"));
  EXPECT_TRUE(machine.wait_for("shell 42", boot_timeout)) << machine.log();
  EXPECT_THAT(SerialLog{machine.log()}, RefusedWith("signature-untrusted"));
}

INSTANTIATE_TEST_SUITE_P(Suites, DracutShell, ::testing::Values(debian12, debian13),
                         [](const auto& suites) { return suites.param.name; });

}  // namespace
}  // namespace cfs::test
