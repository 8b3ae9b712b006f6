// SPDX-License-Identifier: Apache-2.0
// Disk drivers that a kernel has built in, with which it can do without an initramfs.
//
// Where rdinit= names a program that the initramfs does not have, the kernel mounts the device of root=
// itself (kernel_init_freeable() of Linux's init/main.c), whatever the initramfs would have said of it. It
// cannot while the drivers are modules of the initramfs, which only a program of it loads.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// The names of the disk drivers among a kernel's built-in modules; `list` is the text of modules.builtin, a
// path a line (Documentation/kbuild/kbuild.rst of Linux). Drivers that reach no disk before a program sets
// them up, such as loop, are none. Pure.
[[nodiscard]] std::vector<std::string> built_in_disk_drivers(std::string_view list);

// The same warning for an initrd (plain newc) that was made for a kernel, and has its list of built-in
// modules, as dracut's have: which driver its store needs cannot be known here. Empty under a signed command
// line, and where there is no such list.
[[nodiscard]] std::string disk_driver_warning(std::string_view initrd, const Policy& policy);

// Whether this policy suits a kernel for which an initramfs loads `required`, from the module directory
// `modules`. Under an untrusted command line Code::unsupported_input if a driver of `required` is a built-in
// disk driver, or if there are such drivers and the initramfs loads no other. What it gives is a warning for
// people that names further built-in disk drivers, empty if there are none. Code::not_found, Code::io_error.
[[nodiscard]] Result<std::string> check_disk_drivers(const std::string& modules,
                                                     std::span<const std::string> required,
                                                     const Policy& policy);

}  // namespace cfs
