// SPDX-License-Identifier: Apache-2.0
// When systemd did what, as it says itself on the bus.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs {

// All times are CLOCK_MONOTONIC microseconds; 0 is what has not happened, or is not known.
struct BootTimes {
  std::string systemd_version;

  // How long before the kernel's start, the clock's zero, these began.
  std::uint64_t firmware_us = 0;
  std::uint64_t loader_us = 0;

  std::uint64_t initrd_us = 0;     // systemd began in the initrd
  std::uint64_t userspace_us = 0;  // systemd began on the root
  std::uint64_t generators_start_us = 0;
  std::uint64_t generators_finish_us = 0;
  std::uint64_t units_load_start_us = 0;
  std::uint64_t units_load_finish_us = 0;
  std::uint64_t finish_us = 0;  // all that the boot starts has started

  // The newest change of each kind, as systemd's D-Bus interface names them.
  struct Unit {
    std::string name;
    std::uint64_t inactive_exit_us = 0;
    std::uint64_t active_enter_us = 0;
    std::uint64_t active_exit_us = 0;
    std::uint64_t inactive_enter_us = 0;
  };
  std::vector<Unit> units;
};

// Where systemd itself answers root, also while there is no message bus.
inline constexpr auto systemd_private_socket = "/run/systemd/private";

// Asks the system's manager by `private_socket`, or by the system bus where nobody answers there, which
// takes no privilege. Returns the units that were started at any time, in systemd's order; of those that are
// one device under several names, only the first. Code::io_error.
[[nodiscard]] Result<BootTimes> read_boot_times(const std::string& private_socket = systemd_private_socket);

}  // namespace cfs
