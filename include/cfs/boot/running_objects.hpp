// SPDX-License-Identifier: Apache-2.0
// Whether the image of the running system is still all there.
#pragma once

#include <cstddef>
#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/boot/report_names.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// The root of this process as the boot composed it, without what is mounted below it. That it can be looked
// at at all is tried here: what fails later is the image's. Code::io_error, Code::mount_failed.
[[nodiscard]] Result<Fd> clone_running_root(Kernel& kernel);

// check_completeness() of all of it: returns the number of its files.
[[nodiscard]] Result<std::size_t> check_running_objects(const Fd& root);

// Writes down what check_running_objects() found, for cfs-sign status. Errors of write_file().
[[nodiscard]] Result<> record_object_check(const Result<std::size_t>& checked,
                                           const std::string& directory = report_directory);

// What the policy has done about that, as the boot recorded it; a record that says nothing else means report.
[[nodiscard]] CorruptionAction recorded_corruption_action(const std::string& directory = report_directory);

}  // namespace cfs
