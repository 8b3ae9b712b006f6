// The units that make systemd mount the verified root in an initrd: see systemd.generator(7).
#pragma once

#include <string>

#include "cfs/result.hpp"

namespace cfs {

// Reads ROOT/etc/composefs-root/policy.toml and ROOT/proc/cmdline (ROOT is "" but in tests) and writes below
// `directory`, the one that comes before all others for systemd:
//   composefs-root.mount  verifies and mounts the store's image, and attaches it at /sysroot too;
//   sysroot.mount         the same as seen by the rest of systemd: the initrd's root needs it;
//   drop-ins              the devices are waited for, as long as the policy says, and no others;
//   links                 unless the policy allows a shell, what would start one takes the policy's action.
// When the policy or the command line is refused, there is no mount unit, but what makes the boot fail saying
// so. Opens nothing else; the same input gives the same files; each appears complete or not at all.
//
// The error that refused the boot (as load_policy() and select() give them, or Code::unsupported_input for a
// device that cannot be named in a unit), after the failing units were written; Code::io_error and
// Code::not_found when writing fails.
[[nodiscard]] Result<> generate(const std::string& root, const std::string& directory);

}  // namespace cfs
