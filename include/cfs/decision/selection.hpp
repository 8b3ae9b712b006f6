// SPDX-License-Identifier: Apache-2.0
// What the command line may decide: it selects, it never weakens.
#pragma once

#include <optional>
#include <string>

#include "cfs/base/digest.hpp"
#include "cfs/base/result.hpp"
#include "cfs/trust/cmdline.hpp"
#include "cfs/trust/device_spec.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

struct Selection {
  DeviceSpec store;                    // composefs.store=, else root=, else the policy's
  std::optional<std::string> image;    // composefs.image= as a manifest name
  std::optional<Digest> image_digest;  // composefs.image= as a digest
  std::optional<std::string> slot;     // composefs.slot=
  std::optional<std::string> init;     // init=; whether the manifest allows it is decided with the manifest
};

// What a command line that check_cmdline() has accepted selects. Code::parameter_refused for a value of ours,
// or a root=, that is invalid. `root=` values that are systemd keywords (gpt-auto, fstab, off, …), which
// only a signed command line may carry, select nothing.
[[nodiscard]] Result<Selection> select(const Cmdline& cmdline, const Policy& policy);

// The values of composefs.image= and composefs.slot=, wherever they come from. Code::parameter_refused.
[[nodiscard]] Result<> select_image(const std::string& value, Selection& selection);
[[nodiscard]] Result<> select_slot(const std::string& value, Selection& selection);

}  // namespace cfs
