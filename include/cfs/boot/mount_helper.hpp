// SPDX-License-Identifier: Apache-2.0
// mount.composefs-root: what mount(8), and so systemd's composefs-root.mount, executes to mount a verified
// root.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/decision/configuration.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

struct MountArguments {
  std::string source;                // the store's device, as DeviceSpec takes it
  std::vector<std::string> targets;  // absolute: TARGET, then each attach=PATH
  bool fake = false;                 // -f: verify, mount nothing
  bool verbose = false;              // -v
  std::string mount_namespace;       // -N: a process id, or the path of a namespace; empty: the present one
  std::string configuration = initramfs_configuration;  // config=DIRECTORY
  std::optional<std::string> image;                     // image=NAME|DIGEST
  std::optional<std::string> slot;                      // slot=SLOT
};

// SOURCE TARGET [-sfnv] [-N NAMESPACE] [-o OPTIONS], in any order, as mount(8) gives them to a helper.
// Options that mean nothing for a verified root are taken, rw and unknown ones refused; with -s unknown ones
// are taken, too. Code::usage.
[[nodiscard]] Result<MountArguments> parse_mount_arguments(const std::vector<std::string>& arguments);

// Makes a verified root and attaches it at each target, last of all, after write_report(). When it cannot be
// attached at one of them, it is attached at none. Errors: those of load_configuration(),
// make_verified_root() and write_report(); Code::usage for options that make no sense. Returns
// Report::summary().
[[nodiscard]] Result<std::string> mount_root(Kernel& kernel, const MountArguments& arguments);

// Attaches a detached tree at each path, with all that is mounted in it, or at none. Code::mount_failed,
// Code::not_found.
[[nodiscard]] Result<> attach_at(Kernel& kernel, const Fd& tree, const std::vector<std::string>& paths);

// mount(8)'s exit status for an error: 1 usage or permission, 2 system error, 32 mount failure.
inline constexpr int mount_interrupted = 8;
[[nodiscard]] int mount_exit_status(Code code) noexcept;

}  // namespace cfs
