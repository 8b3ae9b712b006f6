// SPDX-License-Identifier: Apache-2.0
// The last act: the verified root becomes the machine's root, and its init takes over.
#pragma once

#include <string>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// The program of a root, by absolute path as seen from inside it, its symbolic links resolved there.
// Code::init_failed unless it is a regular file that can be executed.
[[nodiscard]] Result<> check_init(const Fd& root, const std::string& init);

// Whether systemd would enter the root: it takes nothing for one that has no os-release(5), and on a soft
// reboot says nothing and stays where it is. Code::init_failed.
[[nodiscard]] Result<> check_os_release(const Fd& root);

// Whether the systemd of an initrd, told to execute `init` in the root, executes the root's systemd. Before
// any other program it removes /run/systemd, and with it what closes doors: Code::init_refused. A root
// without systemd has nothing that reads it.
[[nodiscard]] Result<> check_enters_systemd(const Fd& root, const std::string& init);

// Attaches `tree` at /sysroot, moves /dev, /proc, /sys and /run into it, frees the initramfs and makes it the
// root. Frees only when the old root is a ramfs or tmpfs, and never across a mount. Code::mount_failed.
[[nodiscard]] Result<> switch_root(Kernel& kernel, const Fd& tree);

// Executes `init`; returns only on failure. Code::init_failed.
[[nodiscard]] Error execute(const std::string& init, const std::vector<std::string>& arguments,
                            const std::vector<std::string>& environment);

}  // namespace cfs
