// SPDX-License-Identifier: Apache-2.0
#include "qemu/command.hpp"

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// All that depends on the architecture.
struct Architecture {
  const char* program;
  const char* machine;
  const char* emulated_cpu;
  const char* console;
  const char* efi_code;
  const char* efi_variables;
};

#if defined(__x86_64__)
// Nehalem: Debian 13's kernel crashes on `-cpu max` of QEMU 7.2, and without ssse3 sha256 is twice as slow.
// Without cx16: an interrupt after an emulated CMPXCHG16B can set the flags to garbage in QEMU 7.2, and the
// kernel dies.
constexpr Architecture host{"qemu-system-x86_64",
                            "q35",
                            "Nehalem,-cx16",
                            "ttyS0",
                            "/usr/share/OVMF/OVMF_CODE_4M.fd",
                            "/usr/share/OVMF/OVMF_VARS_4M.fd"};
#elif defined(__aarch64__)
constexpr Architecture host{
    "qemu-system-aarch64",           "virt", "cortex-a72", "ttyAMA0", "/usr/share/AAVMF/AAVMF_CODE.fd",
    "/usr/share/AAVMF/AAVMF_VARS.fd"};
#else
#error "name QEMU's program, machine and processor for this architecture"
#endif

// A comma ends an option's value unless it is doubled.
std::string escape_commas(const std::string& value) {
  std::string escaped;
  for (const char c : value) {
    escaped.append(c == ',' ? 2 : 1, c);
  }
  return escaped;
}

const char* accelerator(Acceleration acceleration) {
  switch (acceleration) {
    case Acceleration::kvm:
      return "kvm";
    case Acceleration::emulation_by_instructions:
      return "tcg,thread=single";
    case Acceleration::emulation:
      break;
  }
  return "tcg,thread=multi";
}

std::vector<std::string> base_command(Acceleration acceleration, const std::string& cpu = "") {
  const char* const usual = acceleration == Acceleration::kvm ? "host" : host.emulated_cpu;
  std::vector<std::string> command{host.program,
                                   "-nodefaults",
                                   "-display",
                                   "none",
                                   "-no-reboot",
                                   "-machine",
                                   host.machine,
                                   "-accel",
                                   accelerator(acceleration),
                                   "-cpu",
                                   cpu.empty() ? usual : cpu};
  if (acceleration == Acceleration::emulation_by_instructions) {
    command.insert(command.end(), {"-icount", "shift=0"});
  }
  return command;
}

const char* drive_option(MachineDisk::Writes writes) {
  switch (writes) {
    case MachineDisk::Writes::discarded:
      return ",snapshot=on,cache=unsafe";
    case MachineDisk::Writes::refused:
      return ",read-only=on";
    case MachineDisk::Writes::kept:
      break;
  }
  return "";
}

std::string throttle_options(const MachineDisk& disk) {
  return cat(",throttling.bps-total=", disk.bytes_per_second,
             ",throttling.iops-total=", disk.requests_per_second);
}

}  // namespace

std::string shell_line(const std::vector<std::string>& command) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
  std::string line;
  for (const std::string& word : command) {
    line += line.empty() ? "" : " ";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) {
      line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    line += '\'';
  }
  return line;
}

std::string unset_efi_variables() {
  return host.efi_variables;
}

std::string serial_console() {
  return host.console;
}

std::vector<std::string> qemu_command(const MachineOptions& options, SerialLine serial) {
  auto command = base_command(options.acceleration, options.cpu);
  command.insert(command.end(), {"-smp", cat(options.processors), "-m", cat(options.memory_mib), "-serial",
                                 serial == SerialLine::terminal ? "mon:stdio" : "stdio", "-kernel",
                                 options.kernel, "-append", options.cmdline});
  if (!options.initrd.empty()) {
    command.insert(command.end(), {"-initrd", options.initrd});
  }
  if (!options.efi_variables.empty()) {
    command.insert(command.end(),
                   {"-drive", cat("if=pflash,unit=0,format=raw,read-only=on,file=", host.efi_code), "-drive",
                    cat("if=pflash,unit=1,format=raw,file=", escape_commas(options.efi_variables))});
  }
  unsigned number = 0;
  for (const MachineDisk& disk : options.disks) {
    const std::string id = cat("disk", number++);
    command.insert(command.end(), {"-drive",
                                   cat("if=none,format=raw,id=", id, ",file=", escape_commas(disk.file),
                                       drive_option(disk.writes), throttle_options(disk)),
                                   "-device", cat("virtio-blk-pci,drive=", id)});
  }
  command.insert(command.end(), options.extra.begin(), options.extra.end());
  return command;
}

}  // namespace cfs
