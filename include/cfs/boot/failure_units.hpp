// SPDX-License-Identifier: Apache-2.0
// What systemd does in an initrd when a boot fails, in place of starting a shell.
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// Where systemd looks for units before all that an initrd has by itself, and that goes with the initrd.
inline constexpr auto initrd_unit_directory = "/etc/systemd/system";

// Writes links below `directory` (made with its parents) by which every unit of systemd's and of dracut's
// that would start a shell takes the policy's action, and those that the command line can ask for are masked.
// With failure.shell it writes a drop-in that opens emergency.service's shell without a password instead.
// Replaces what is there. Code::io_error, Code::not_found.
[[nodiscard]] Result<> write_failure_units(const std::string& directory, const Policy& policy);

}  // namespace cfs
