// SPDX-License-Identifier: Apache-2.0
// The units that make systemd mount the verified root in an initrd: see systemd.generator(7).
#pragma once

#include <string>

#include "cfs/base/result.hpp"

namespace cfs {

// Reads ROOT/etc/composefs-root/policy.toml and ROOT/proc/cmdline (ROOT is "" but in tests) and writes below
// `directory`, the one that comes before all others for systemd:
//   composefs-root.mount  verifies and mounts the store's image, and attaches it at /sysroot too;
//   sysroot.mount         the same as seen by the rest of systemd: the initrd's root needs it;
//   drop-ins              the devices are waited for, as long as the policy says, and no others.
// Nothing that must not be switched off depends on it: see front_door.hpp, and the units of the guard. Opens
// nothing else; the same input gives the same files; each appears complete or not at all.
//
// Writes nothing if the policy or the command line is invalid: errors of load_policy() and select(),
// and Code::unsupported_input for a device that cannot be named in a unit. Code::io_error and Code::not_found
// when writing fails.
[[nodiscard]] Result<> generate(const std::string& root, const std::string& directory);

}  // namespace cfs
