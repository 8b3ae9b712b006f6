// SPDX-License-Identifier: Apache-2.0
// The command line of QEMU for one boot of a machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cfs {

struct MachineDisk {
  enum class Writes : std::uint8_t {
    discarded,  // the machine writes to a copy that ends with it
    refused,    // a read-only disk
    kept,
  };
  std::string file{};  // a raw image
  Writes writes = Writes::discarded;
  unsigned long bytes_per_second = 0;  // at most; 0: as fast as the host is
  unsigned long requests_per_second = 0;
};

enum class Acceleration : std::uint8_t {
  emulation,
  // All processors take turns, and an instruction takes a nanosecond of the machine's clock, however busy the
  // host is: what they execute repeats best.
  emulation_by_instructions,
  kvm,
};

struct MachineOptions {
  std::string kernel{};
  std::string initrd{};
  std::string cmdline{};
  std::vector<MachineDisk> disks{};  // /dev/vda, /dev/vdb, …
  unsigned memory_mib = 1024;
  // One by default: where two processors are emulated, one can run code that the other is patching.
  unsigned processors = 1;
  Acceleration acceleration = Acceleration::emulation;
  // A file with the variables of UEFI firmware, made of unset_efi_variables(), which the machine changes;
  // empty: without such firmware.
  std::string efi_variables{};
  std::string cpu{};                 // a model of QEMU's; empty: what Debian's kernels are known to run on
  std::vector<std::string> extra{};  // more arguments for QEMU
};

// What the serial line of the machine is connected to.
enum class SerialLine : std::uint8_t {
  standard_streams,  // input and output of QEMU
  terminal,          // the same, shared with QEMU's monitor: Ctrl-A X ends it, Ctrl-A C switches
};

// The program and its arguments, for a machine of the architecture of this host, whose serial line is called
// serial_console(). A panic or a reboot ends it (-no-reboot).
[[nodiscard]] std::vector<std::string> qemu_command(const MachineOptions& options, SerialLine serial);

// A command as one line, to be pasted into a shell.
[[nodiscard]] std::string shell_line(const std::vector<std::string>& command);

// The variables of firmware as Debian ships them: none.
[[nodiscard]] std::string unset_efi_variables();

// "ttyS0": what console= on the kernel command line names.
[[nodiscard]] std::string serial_console();

}  // namespace cfs
