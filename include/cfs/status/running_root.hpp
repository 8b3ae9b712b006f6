// SPDX-License-Identifier: Apache-2.0
// Whether the root that runs is the one that the boot recorded.
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/status/report_reader.hpp"

namespace cfs {

// Compares a report with a mount table (a file as /proc/self/mountinfo): each mount of the report is there
// and no other hides it, the root and what is laid over it are overlays of ours that demand fs-verity
// digests, nothing is mounted at /usr or below it, and the root is not a transient one, of which nobody knows
// what is in it by now. Code::root_replaced with the first difference; Code::io_error.
[[nodiscard]] Result<> check_running_root(const BootReport& report, const std::string& mount_table);

}  // namespace cfs
