// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

namespace cfs {

Result<> Kernel::ask_for_reboot() {
  if (::kill(1, SIGRTMIN + 5) != 0) {
    return fail_errno(Code::io_error, "ask systemd for a reboot");
  }
  return {};
}

void Kernel::act(FailureAction action) {
  ::sync();
  switch (action) {
    case FailureAction::reboot:
      ::reboot(RB_AUTOBOOT);
      break;
    case FailureAction::poweroff:
      ::reboot(RB_POWER_OFF);
      break;
    case FailureAction::halt:
      ::reboot(static_cast<int>(RB_HALT_SYSTEM));
      break;
  }
}

}  // namespace cfs
