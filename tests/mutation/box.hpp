// SPDX-License-Identifier: Apache-2.0
// Where a program that was changed can do no harm: it may have lost the check that kept it from removing
// files.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace cfs {

// Makes everything but these directories read-only for this process and those that it starts. To be called by
// the only thread. False where the kernel, or who runs it, gives no namespaces.
[[nodiscard]] bool enter_box(const std::vector<std::string>& writable);

// Runs a program with processes of its own and nothing that it can write to but the directory `place`, its
// TMPDIR. There, a reboot ends the program alone. Whether it ended with success before the limit.
[[nodiscard]] bool run_in_box(const std::string& program, const std::string& libraries,
                              const std::string& place, std::chrono::seconds limit);

}  // namespace cfs
