// What the command line may decide: it selects, it never weakens.
#pragma once

#include <optional>
#include <string>

#include "cfs/cmdline.hpp"
#include "cfs/device.hpp"
#include "cfs/digest.hpp"
#include "cfs/policy.hpp"
#include "cfs/result.hpp"

namespace cfs {

struct Selection {
  DeviceSpec store;                    // composefs.store=, else root=, else the policy's
  std::optional<std::string> image;    // composefs.image= as a manifest name
  std::optional<Digest> image_digest;  // composefs.image= as a digest
  std::optional<std::string> slot;     // composefs.slot=
  std::optional<std::string> init;     // init=; whether the manifest allows it is decided with the manifest
};

// Code::parameter_refused naming the parameter, for those that an untrusted command line may not carry (they
// would run or mount something unverified), for those that none may carry (roothash=, systemd.volatile=: they
// ask for another root) and for values of ours that make no sense. `root=` values that are systemd keywords
// (gpt-auto, fstab, off, …) select nothing.
[[nodiscard]] Result<Selection> select(const Cmdline& cmdline, const Policy& policy);

// The values of composefs.image= and composefs.slot=, wherever they come from. Code::parameter_refused.
[[nodiscard]] Result<> select_image(const std::string& value, Selection& selection);
[[nodiscard]] Result<> select_slot(const std::string& value, Selection& selection);

}  // namespace cfs
