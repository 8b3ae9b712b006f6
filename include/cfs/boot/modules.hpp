// SPDX-License-Identifier: Apache-2.0
// Loading the kernel modules of an initramfs.
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// Where an initramfs has its list of modules.
inline constexpr auto module_list = "/usr/lib/composefs-root/modules";

// Loads the modules that a list names: an absolute path a line, in groups that an empty line ends. The
// members of a group do not need each other: most of the time goes by with checking their signatures, so each
// has a process, where the machine has several processors. Single-threaded; all processes have ended when it
// returns. Without a list it loads nothing: everything is built in. Code::io_error, Code::module_failed,
// Code::module_refused, naming the first that failed.
[[nodiscard]] Result<> load_modules(Kernel& kernel, const std::string& list);

}  // namespace cfs
