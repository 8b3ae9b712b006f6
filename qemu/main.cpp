// SPDX-License-Identifier: Apache-2.0
// cfs-qemu-boot: boots a kernel, an initramfs and a disk in QEMU, for a person at a terminal or as a check.
//
// The check needs a root made by qemu/debian-root: on `composefs-root-demo.check` on the kernel command line
// it reports what it is and powers off, see qemu/demo-report.
#include <getopt.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

#include "cfs/base/digest.hpp"
#include "cfs/base/text.hpp"
#include "qemu/machine.hpp"

namespace {

using cfs::cat;
using cfs::Code;
using cfs::fail;
using cfs::Result;

constexpr const char* usage =
    "Usage: cfs-qemu-boot --kernel FILE --initrd FILE --disk FILE [OPTION…]\n"
    "Boots a machine whose disk is a copy that ends with it, its serial console on this terminal.\n"
    "\n"
    "  --kernel FILE     Linux kernel\n"
    "  --initrd FILE     initramfs\n"
    "  --disk FILE       raw disk image; may be given again\n"
    "  --append WORDS    added to the kernel command line\n"
    "  --memory MIB      memory of the machine, in MiB (default 1024)\n"
    "  --check DIGEST    boot without a terminal, and succeed only if the machine came up from the root "
    "that\n"
    "                    DIGEST (sha256:HEX) names, verified, and then shut down cleanly\n"
    "  --timeout SECONDS how long the check may take (default 300)\n"
    "  --help\n";

constexpr const char* check_parameter = "composefs-root-demo.check";

struct Options {
  cfs::MachineOptions machine;
  std::optional<cfs::Digest> check;
  std::chrono::seconds timeout{300};
};

Result<unsigned> number(const char* text) {
  const auto value = cfs::parse_decimal<unsigned>(text);
  if (!value || *value == 0) {
    return fail(Code::usage, cat('"', cfs::printable(text), "\" is not a number above 0"));
  }
  return *value;
}

// nullopt when help was asked for.
Result<std::optional<Options>> parse(int argc, char** argv) {
  enum : int { kernel = 1, initrd, disk, append, memory, check, timeout, help };
  const option known[] = {
      {"kernel", required_argument, nullptr, kernel},
      {"initrd", required_argument, nullptr, initrd},
      {"disk", required_argument, nullptr, disk},
      {"append", required_argument, nullptr, append},
      {"memory", required_argument, nullptr, memory},
      {"check", required_argument, nullptr, check},
      {"timeout", required_argument, nullptr, timeout},
      {"help", no_argument, nullptr, help},
      {nullptr, 0, nullptr, 0},
  };
  Options options;
  options.machine.cmdline = cat("console=", cfs::serial_console(), " panic=-1");
  // Called before there is a second thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
  for (int found = 0; (found = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (found) {
      case kernel:
        options.machine.kernel = optarg;
        break;
      case initrd:
        options.machine.initrd = optarg;
        break;
      case disk:
        options.machine.disks.push_back({.file = optarg});
        break;
      case append:
        options.machine.cmdline += cat(' ', optarg);
        break;
      case memory:
        options.machine.memory_mib = CFS_TRY(number(optarg));
        break;
      case check:
        options.check = CFS_TRY(cfs::Digest::parse(optarg));
        break;
      case timeout:
        options.timeout = std::chrono::seconds(CFS_TRY(number(optarg)));
        break;
      case help:
        return std::nullopt;
      default:
        return fail(Code::usage, "an option that is not one of ours, or lacks its value");
    }
  }
  if (optind != argc || options.machine.kernel.empty() || options.machine.initrd.empty()) {
    return fail(Code::usage, "--kernel and --initrd are needed, and nothing but options");
  }
  options.machine.acceleration = cfs::best_acceleration(options.machine.kernel);
  return options;
}

// Becomes QEMU. Returns only when it could not.
Result<> connect(const cfs::MachineOptions& machine) {
  auto command = cfs::qemu_command(machine, cfs::SerialLine::terminal);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& word : command) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  return cfs::fail_errno(Code::not_found, cat("start ", command.front()));
}

// The rest of the report's line that begins with `name`.
std::string_view line(std::string_view report, std::string_view name) {
  const std::string start = cat("composefs-root-demo: ", name, ": ");
  const auto found = report.find(start);
  return found == std::string_view::npos ? "" : cfs::split(report.substr(found + start.size()), '\n').front();
}

Result<> check_report(std::string_view report, const cfs::Digest& digest) {
  const std::string_view root = line(report, "root");
  if (!root.starts_with("overlay ") || root.find("verity=require") == std::string_view::npos) {
    return fail(Code::verity_missing,
                cat("the root is \"", cfs::printable(root), "\", not a verified overlay"));
  }
  if (line(report, "boot.json").find(cat("\"digest\": \"", digest.text(), '"')) == std::string_view::npos) {
    return fail(Code::digest_mismatch, cat("boot.json does not name the image ", digest.text()));
  }
  if (line(report, "state") != "running") {
    return fail(Code::init_failed, cat("systemd is not \"running\" but \"", line(report, "state"),
                                       "\"; failed units: ", cfs::printable(line(report, "failed"))));
  }
  return {};
}

Result<> boot_and_check(cfs::Machine& machine, const cfs::Digest& digest, std::chrono::seconds timeout) {
  const std::string report = CFS_TRY(machine.wait_for("composefs-root-demo: end", timeout));
  CFS_TRY(check_report(report, digest));
  CFS_TRY(machine.wait_for("reboot: Power down", timeout));
  return machine.wait_exit(timeout);
}

Result<> check(const Options& options, const cfs::Digest& digest) {
  cfs::MachineOptions with_report = options.machine;
  with_report.cmdline += cat(' ', check_parameter);
  cfs::Machine machine = CFS_TRY(cfs::Machine::start(with_report));
  auto result = boot_and_check(machine, digest, options.timeout);
  if (!result) {
    (void)std::fprintf(stderr, "%s\n", machine.log().c_str());
  }
  return result;
}

void report(const cfs::Error& error) {
  (void)std::fprintf(stderr, "cfs-qemu-boot: %s\n", error.line().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = parse(argc, argv);
  if (!parsed) {
    report(parsed.error());
    return 2;
  }
  const std::optional<Options>& options = *parsed;
  if (!options) {
    return std::fputs(usage, stdout) < 0 ? 1 : 0;
  }
  const auto result = options->check ? check(*options, *options->check) : connect(options->machine);
  if (!result) {
    report(result.error());
    return 1;
  }
  return 0;
}
