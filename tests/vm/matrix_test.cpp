// SPDX-License-Identifier: Apache-2.0
// Boots whole Debian systems of three generations by both kinds of initramfs to multi-user.target, and
// measures what a systemd initrd with this project costs. Debian 13 by PID 1 is in debian_test.cpp, and by
// dracut here in two boots of one disk.
#include <algorithm>
#include <regex>
#include <set>

#include "build_host.hpp"
#include "cfs/base/text.hpp"
#include "host_system.hpp"
#include "qemu/machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto boot_timeout = std::chrono::seconds(400);

// A part of the image: what the small root's guest program says, of a whole system. Of the trace that
// `tracing` asks for, the programs that were executed and when, in seconds since the machine started.
constexpr auto facts_program = R"sh(#!/bin/sh
say() { printf 'guest: %s: %s\n' "$1" "$2"; }
say machine-id "$(cat /etc/machine-id)"
for directory in /etc /var; do
  boots=$(($(cat $directory/boots 2>/dev/null || echo 0) + 1))
  echo $boots >$directory/boots
  say "boots $directory" $boots
done
sed -n 's/.* \([0-9.]*\): sched_process_exec: filename=\([^ ]*\) pid=\([0-9]*\) .*/guest: exec: \1 \3 \2/p' \
  /sys/kernel/tracing/trace
)sh";
constexpr auto facts_unit =
    "[Unit]\n"
    "After=sys-kernel-tracing.mount\n"
    "[Service]\n"
    "Type=oneshot\n"
    "ExecStart=/usr/libexec/facts\n"
    "StandardOutput=tty\n"
    "TTYPath=/dev/console\n";
constexpr auto tracing = "trace_event=sched:sched_process_exec trace_clock=mono";

// A part of the initrd: systemd forgets the unit when it enters the root.
constexpr auto mount_times_unit =
    "[Unit]\n"
    "DefaultDependencies=no\n"
    "After=initrd-root-fs.target\n"
    "Before=initrd-fs.target\n"
    "[Service]\n"
    "Type=oneshot\n"
    "ExecStart=/usr/bin/systemctl show --timestamp=us"
    " --property=InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic composefs-root.mount\n"
    "StandardOutput=tty\n"
    "TTYPath=/dev/console\n";

// A whole system, composed and signed on a disk.
class System {
 public:
  explicit System(const Suites& suites) : host_(suites, new_key(workshop_), HostSystem::policy()) {
    write(host_.root() / "usr/libexec/facts", facts_program);
    std::filesystem::permissions(host_.root() / "usr/libexec/facts", std::filesystem::perms(0755));
    const auto units = host_.root() / "usr/lib/systemd/system";
    write(units / "facts.service", facts_unit);
    std::filesystem::create_symlink("../facts.service", units / "multi-user.target.wants/facts.service");
    const auto store = workshop_ / "store";
    digest_ = add_image(store, host_.root(), "debian", workshop_ / "device.key", {"--etc", "overlay"});
    cfs_sign({"slot", "--store", store, "current", "debian"});
    cfs_sign({"disk", "--store", store, "-o", disk()});
    std::filesystem::remove_all(store);
  }

  [[nodiscard]] const BuildHost& host() const { return host_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }

  // For PID 1, made by cfs-sign.
  [[nodiscard]] std::filesystem::path initramfs() const {
    return make_initramfs({.policy = host_.policy(),
                           .keys = host_.policy().parent_path() / "keys",
                           .kernel = host_.kernel(),
                           .output = workshop_ / "initramfs.img"});
  }

  // Boots, reports, and shuts down. What it writes to its state stays for the next boot.
  [[nodiscard]] SerialLog boot(const std::filesystem::path& initramfs, const std::string& parameters = "") {
    MachineOptions options;
    options.kernel = host_.kernel().image;
    options.initrd = initramfs;
    options.cmdline = "console=" + serial_console() +
                      " panic=-1 systemd.firstboot=off composefs-root-demo.check " + parameters;
    options.disks.push_back({.file = disk(), .writes = MachineDisk::Writes::kept});
    return boot_until_off(options, boot_timeout);
  }

 private:
  static std::filesystem::path new_key(const Workshop& workshop) {
    cfs_sign({"keygen", workshop / "device"});
    return workshop / "device.pub";
  }
  [[nodiscard]] std::filesystem::path disk() const { return workshop_ / "disk.img"; }

  Workshop workshop_;
  BuildHost host_;
  std::string digest_;
};

enum class Initramfs : std::uint8_t { pid1, dracut };

struct Cell {
  Suites suites;
  Initramfs initramfs;
};
void PrintTo(const Cell& cell, std::ostream* stream) {
  PrintTo(cell.suites, stream);
  *stream << (cell.initramfs == Initramfs::pid1 ? "ByPid1" : "ByDracut");
}

class Matrix : public ::testing::TestWithParam<Cell> {};

TEST_P(Matrix, BootsToMultiUserFromAVerifiedRoot) {
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  System system(GetParam().suites);
  const auto log =
      system.boot(GetParam().initramfs == Initramfs::pid1 ? system.initramfs() : made_initrd(system.host()));
  EXPECT_THAT(log, came_up(system.digest()));
}

INSTANTIATE_TEST_SUITE_P(Roots, Matrix,
                         ::testing::Values(Cell{debian12, Initramfs::dracut}, Cell{debian12, Initramfs::pid1},
                                           Cell{debian_unstable, Initramfs::dracut},
                                           Cell{debian_unstable, Initramfs::pid1}),
                         [](const auto& cell) { return ::testing::PrintToString(cell.param); });

// Seconds since the machine started that `log` gives for NAME, in microseconds there.
double seconds_of(const SerialLog& log, const std::string& name) {
  std::smatch found;
  if (!std::regex_search(log.text, found, std::regex(name + "=([0-9]+)"))) {
    throw std::runtime_error("the console shows no " + name);
  }
  return std::stod(found[1]) / 1e6;
}

// The programs that were executed for composefs-root.mount while it was being mounted: "PID PROGRAM".
std::set<std::string> executed_for_mount(const SerialLog& log, double started, double active) {
  std::set<std::string> programs;
  const std::string lines = said(log, "exec");
  for (const std::string_view line : split(lines, '\n')) {
    const auto time = line.substr(0, line.find(' '));
    if (!time.empty() && std::stod(std::string(time)) >= started && std::stod(std::string(time)) <= active) {
      programs.emplace(line.substr(time.size() + 1));
    }
  }
  return programs;
}

// Two boots of one disk.
TEST(DracutSystem, KeepsItsStateAndSaysWhatItsMountCosts) {
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  System system(debian13);
  system.host().add_unit("mount-times.service", mount_times_unit, "initrd-fs.target");
  const auto initrd = made_initrd(system.host());
  const auto first = system.boot(initrd);
  const auto second = system.boot(initrd, tracing);
  for (const SerialLog& log : {first, second}) {
    EXPECT_THAT(log, came_up(system.digest()));
    EXPECT_TRUE(std::regex_match(said(log, "machine-id"), std::regex("[0-9a-f]{32}\n")));
    // Of ext4, when a file system was not unmounted, or made read-only, at the end of the boot before.
    EXPECT_THAT(log.text, AllOf(Not(HasSubstr("recovery complete")), Not(HasSubstr("recovering journal"))));
  }
  EXPECT_EQ(said(first, "machine-id"), said(second, "machine-id"));
  EXPECT_EQ(said(first, "boots /etc") + said(first, "boots /var"), "1\n1\n");
  EXPECT_EQ(said(second, "boots /etc") + said(second, "boots /var"), "2\n2\n");

  const double started = seconds_of(second, "InactiveExitTimestampMonotonic");
  const double active = seconds_of(second, "ActiveEnterTimestampMonotonic");
  std::printf("composefs-root.mount: start to active %.0f us; executed meanwhile, with the process's id:\n",
              (active - started) * 1e6);
  std::set<std::string> processes;
  for (const std::string& program : executed_for_mount(second, started, active)) {
    std::printf("  %s\n", program.c_str());
    if (program.find("mount") != std::string::npos) {
      processes.insert(program.substr(0, program.find(' ')));
    }
  }
  EXPECT_EQ(processes.size(), 2U) << "mount(8) and its helper";
  std::smatch stages;
  ASSERT_TRUE(std::regex_search(second.text, stages, std::regex("\"stages\": (\\[[^\\]]*\\])")));
  std::printf("of which, by stage: %s\n", stages[1].str().c_str());
}

// By how much the module makes an initrd larger that has everything else it needs.
TEST(DracutInitrd, GrowsByLittle) {
  constexpr auto other_modules = "systemd-initrd systemd-modules-load udev-rules kernel-modules";
  constexpr std::uintmax_t most = 6UL * 1024 * 1024 / 10;
  const BuildHost host(debian13, small_machine().workshop() / "device.pub", HostSystem::policy());
  const auto size = [&](const std::string& modules) {
    return std::filesystem::file_size(made_initrd(host, modules, {"--gzip"}));
  };
  const auto with = size("composefs-root");
  const auto without = size(other_modules);
  std::printf("dracut's initrd, gzip: %ju bytes with composefs-root, %ju without: %.2f MiB more\n", with,
              without, static_cast<double>(with - without) / 1048576.0);
  EXPECT_LE(with - without, most);
}

}  // namespace
}  // namespace cfs::test
