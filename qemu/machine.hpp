// SPDX-License-Identifier: Apache-2.0
// A machine that QEMU emulates, for one boot: started, watched and typed to on its serial line, and ended.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "qemu/block_statistics.hpp"
#include "qemu/command.hpp"
#include "qemu/console.hpp"

namespace cfs {

class Machine {
 public:
  using Timeout = std::chrono::milliseconds;

  // Starts it. Code::not_found for a file that is not there or when QEMU is not installed, Code::io_error.
  // The machine ends with the thread that started it, however that ends.
  [[nodiscard]] static Result<Machine> start(const MachineOptions& options);

  // The same for any command that uses its standard streams as a serial line.
  [[nodiscard]] static Result<Machine> start_command(const std::vector<std::string>& command);

  Machine(Machine&& other) noexcept;
  Machine& operator=(Machine&& other) = delete;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();  // ends it at once, as a power cut would

  // Waits until the console shows `marker` after the last marker that was waited for. Returns the text from
  // there to the end of this marker. Code::io_error, with the console's last lines, when the machine ends
  // without it or `timeout` has passed.
  [[nodiscard]] Result<std::string> wait_for(std::string_view marker, Timeout timeout);

  // Waits until the machine has ended by itself. Code::io_error when it has not, or when QEMU failed.
  [[nodiscard]] Result<> wait_exit(Timeout timeout);

  // Types `text` on the console; a line is ended by "\n". Code::io_error.
  [[nodiscard]] Result<> send(std::string_view text);

  // What its disks did so far, in the order of MachineOptions::disks; only for a machine that start()
  // started. Code::io_error, also after `timeout`.
  [[nodiscard]] Result<std::vector<BlockStatistics>> block_statistics(Timeout timeout);

  // All that the console has shown so far, as text (see ConsoleText).
  [[nodiscard]] const std::string& log() const noexcept { return log_; }

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  Machine(pid_t process, Fd serial, Fd monitor, Fd errors);

  // Adds what the console shows next to the log. False at its end. Code::io_error after the deadline.
  [[nodiscard]] Result<bool> read_more(Deadline deadline);
  // The monitor's answer to a command of its protocol, a line of JSON.
  [[nodiscard]] Result<std::string> ask(std::string_view command, Deadline deadline);
  [[nodiscard]] tl::unexpected<Error> failure(const std::string& what) const;

  pid_t process_;  // -1 once it was waited for
  Fd serial_;      // one end of a socket; the other is the standard input and output of QEMU
  Fd monitor_;     // likewise; the other is QEMU's monitor
  Fd errors_;      // a file in memory: QEMU's standard error
  bool monitor_ready_ = false;
  ConsoleText console_;
  std::string log_;
  std::size_t seen_ = 0;  // how much of log_ lies before the end of the last marker
};

// KVM where this kernel runs by it, on the host's own processor, until it panics for want of a root; else
// emulation. That /dev/kvm is there proves little, nor does a machine that QEMU can make: the host may itself
// be a machine whose KVM stops at some instruction of the kernel's.
[[nodiscard]] Acceleration best_acceleration(const std::string& kernel);

}  // namespace cfs
