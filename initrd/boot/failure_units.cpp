// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/failure_units.hpp"

#include <array>
#include <string_view>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

struct Replacement {
  std::string_view unit;
  std::string_view by;
};

constexpr std::string_view failure_service = "/usr/lib/systemd/system/composefs-root-failure.service";
constexpr std::string_view mask = "/dev/null";

// systemd's units and dracut's. rescue.target as it is requires both sysinit.target, which conflicts with
// emergency.service, and rescue.service, which is now the same unit.
constexpr auto replacements = std::to_array<Replacement>({
    // What starts a shell when a boot fails.
    {"dracut-emergency.service", failure_service},
    {"emergency.service", failure_service},
    {"rescue.service", failure_service},
    {"rescue.target", "/usr/lib/systemd/system/emergency.target"},
    // What starts one because the command line asks for it: systemd.break= and systemd.debug_shell.
    {"breakpoint-pre-basic.service", mask},
    {"breakpoint-pre-mount.service", mask},
    {"breakpoint-pre-switch-root.service", mask},
    {"breakpoint-pre-udev.service", mask},
    {"debug-shell.service", mask},
});

Result<> create_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    CFS_TRY(create_directory(path.substr(0, end)));
    if (end == std::string::npos) {
      return {};
    }
  }
}

}  // namespace

Result<> write_failure_units(const std::string& directory, const Policy& policy) {
  if (policy.failure.shell) {
    // root has no password in an initrd, and sulogin(8) would give nobody a shell.
    const std::string drop_ins = cat(directory, "/emergency.service.d");
    CFS_TRY(create_directories(drop_ins));
    return write_file(cat(drop_ins, "/50-composefs-root.conf"),
                      "[Service]\nEnvironment=SYSTEMD_SULOGIN_FORCE=1\n");
  }
  CFS_TRY(create_directories(directory));
  for (const Replacement& replacement : replacements) {
    CFS_TRY(write_link(cat(directory, '/', replacement.unit), std::string(replacement.by)));
  }
  return {};
}

}  // namespace cfs
