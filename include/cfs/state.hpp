// What may change in a verified system: /etc, /var and the machine id.
//
// On the file system that the policy names, state lies below composefs-state/: machine-id, var/, and etc/
// with the upper and work directories of an overlay. None of it is verified; the mounts are nodev and nosuid.
#pragma once

#include <string_view>

#include "cfs/fd.hpp"
#include "cfs/kernel.hpp"
#include "cfs/manifest.hpp"
#include "cfs/private_namespace.hpp"
#include "cfs/result.hpp"

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
  const Fd* file_system =
      nullptr;  // root of the writable state mount, attached in this namespace; may be null
};

// Whether `text` is a machine id as machine-id(5) wants it: 32 lower-case hex digits and a line feed, not
// zero.
[[nodiscard]] bool is_machine_id(std::string_view text) noexcept;

// Puts /etc and /var into the composed root. `image` is the mounted metadata image, `objects` its data layer,
// `root` the composed root, all attached in the private namespace. /etc is composed from the image itself
// rather than stacked on the root: a root over a file-backed EROFS may already be as deep as the kernel lets
// overlays be. Code::state_failed.
[[nodiscard]] Result<MachineId> set_up_state(Kernel& kernel, PrivateNamespace& workspace, const Fd& image,
                                             const Fd& objects, const Fd& root, const StateRequest& request);

}  // namespace cfs
