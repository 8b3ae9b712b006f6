// SPDX-License-Identifier: Apache-2.0
// What may change in a verified system: /etc, /var and the machine id.
//
// State that persists lies in a StateDirectory. None of it is verified; the mounts are nodev and nosuid.
#pragma once

#include <string>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/mount/private_namespace.hpp"
#include "cfs/state/state_directory.hpp"
#include "cfs/trust/manifest.hpp"

namespace cfs {

enum class MachineId : std::uint8_t {
  unmanaged,  // no persistent state: the system makes one for this boot
  kept,       // as at the boot before
  created,    // there was none, or what was there was not a machine id
};
[[nodiscard]] std::string_view name(MachineId outcome) noexcept;

struct StateRequest {
  EtcMode etc = EtcMode::transient;
  VarMode var = VarMode::transient;
  MountLimits var_limits{};  // of /var wherever what is written to it goes
  Digest image{};            // whose state it is
  // Root of the writable state mount, attached in this namespace; null: nothing persists.
  const Fd* file_system = nullptr;
};

struct StateOutcome {
  MachineId machine_id = MachineId::unmanaged;
  EtcUpper etc_upper = EtcUpper::none;
  bool factory_reset = false;
};

// Whether `text` is a machine id as machine-id(5) wants it: 32 lower-case hex digits and a line feed, not
// zero.
[[nodiscard]] bool is_machine_id(std::string_view text) noexcept;

// Puts /etc and /var into the composed root. `image` is the mounted metadata image, `objects` its data layer,
// `root` the composed root, all attached in the private namespace. /etc is composed from the image itself
// rather than stacked on the root: a root over a file-backed EROFS may already be as deep as the kernel lets
// overlays be. Code::state_failed.
[[nodiscard]] Result<StateOutcome> set_up_state(Kernel& kernel, PrivateNamespace& workspace, const Fd& image,
                                                const Fd& objects, const Fd& root,
                                                const StateRequest& request);

}  // namespace cfs
