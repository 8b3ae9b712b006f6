// SPDX-License-Identifier: Apache-2.0
// From a policy to a complete, verified root file system that nobody can see yet.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/boot/stage_clock.hpp"
#include "cfs/decision/configuration.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// What enters the root: its init, executed by this program, or a systemd that runs already and is choosier.
enum class EnteredBy : std::uint8_t { init, systemd };

// What all steps of a boot share.
struct BootContext {
  Kernel& kernel;
  const Configuration& configuration;
  EnteredBy entered_by;
  StageClock& clock;
  std::function<void()> meanwhile = [] {};  // called at least once a second while waiting for devices
};

struct VerifiedRoot {
  Fd tree;           // detached: the composed root with /etc and /var in place
  std::string init;  // what the manifest allows to be executed in it
  Report report;
};

// Waits for the store device, decides which image boots, composes it and sets up its state, all in a private
// mount namespace that is left again. An image that cannot be entered is refused, as one that does not verify
// is: its init must be there, for systemd its os-release, and all that the manifest calls complete. Needs
// CAP_SYS_ADMIN, /proc, /sys, /dev, and /run; single-threaded. Errors: those of wait_for_device(), decide(),
// check_init(), check_os_release(), check_completeness(), Kernel and set_up_state().
[[nodiscard]] Result<VerifiedRoot> make_verified_root(const BootContext& boot);

// Tells the running system of the root that is about to be attached: write_report(), publish_root_device().
[[nodiscard]] Result<> publish_root(const Report& report);

// The same as make_verified_root() up to where state would be touched, and leaves nothing of it. Returns what
// is known by then.
[[nodiscard]] Result<Report> verify_root(const BootContext& boot);

}  // namespace cfs
