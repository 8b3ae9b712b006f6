// SPDX-License-Identifier: Apache-2.0
// The last look before the machine's root is handed over: is it still what was verified?
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/boot/report_names.hpp"

namespace cfs {

// Compares the mounts at and below `directory` (absolute) with the record that write_report() left in
// `reports`. Code::root_replaced, also when there is no record: then nothing was verified. Code::io_error.
[[nodiscard]] Result<> guard(const std::string& directory, const std::string& reports = report_directory);

}  // namespace cfs
