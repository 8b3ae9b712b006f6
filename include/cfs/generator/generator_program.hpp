// SPDX-License-Identifier: Apache-2.0
// composefs-root-generator(8) as systemd runs it: a role of the program composefs-root.
#pragma once

#include <string>
#include <vector>

namespace cfs {

// Runs it with these arguments and returns its exit status: writes the units if this is an initrd, and says
// what is wrong on standard error or, where that leads nowhere, in the kernel log.
[[nodiscard]] int run_generator(const std::vector<std::string>& arguments);

}  // namespace cfs
