// From a policy to a complete, verified root file system that nobody can see yet.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "cfs/fd.hpp"
#include "cfs/kernel.hpp"
#include "cfs/key.hpp"
#include "cfs/policy.hpp"
#include "cfs/report.hpp"
#include "cfs/result.hpp"
#include "cfs/selection.hpp"

namespace cfs {

struct VerifiedRoot {
  Fd tree;           // detached: the composed root with /etc and /var in place
  std::string init;  // what the manifest allows to be executed in it
};

// Waits for the store device, decides which image boots, composes it and sets up its state, all in a private
// mount namespace that is left again. What happened goes into `report`, on failure too. `meanwhile` is called
// at least once a second while waiting for devices. Needs CAP_SYS_ADMIN, /proc, /sys, /dev, and /run;
// single-threaded. Errors: those of select(), wait_for_device(), decide(), Kernel and set_up_state().
[[nodiscard]] Result<VerifiedRoot> make_verified_root(Kernel& kernel, const Policy& policy,
                                                      std::span<const PublicKey> keys,
                                                      const Selection& selection, Report& report,
                                                      const std::function<void()>& meanwhile);

}  // namespace cfs
