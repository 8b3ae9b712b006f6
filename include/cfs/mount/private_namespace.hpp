// SPDX-License-Identifier: Apache-2.0
// A place where mounts can be attached without anyone seeing them.
#pragma once

#include <string>
#include <utility>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// A mount namespace of our own, in which layers can be attached for a moment without anyone seeing them.
// Leaving it (destruction) detaches everything in it that was not taken out as a detached mount.
// Single-threaded processes only; the working directory becomes "/".
class PrivateNamespace {
 public:
  // Code::mount_failed. Needs /proc, and a directory /run to work under.
  [[nodiscard]] static Result<PrivateNamespace> enter(Kernel& kernel);

  PrivateNamespace(PrivateNamespace&& other) noexcept = default;
  PrivateNamespace& operator=(PrivateNamespace&&) = delete;
  ~PrivateNamespace();

  // Where a mount of this name lies in the namespace.
  [[nodiscard]] static std::string path(const std::string& name);

  // Attaches a detached mount under a name of its own; its descriptor keeps working.
  [[nodiscard]] Result<> attach(const Fd& mount, const std::string& name);

  // The root of a writable file system in memory, mounted when first asked for. Lives as long as this does.
  [[nodiscard]] Result<const Fd*> memory();

  // Back to the namespace we came from. Code::mount_failed: then the process must not go on.
  [[nodiscard]] Result<> leave();

 private:
  PrivateNamespace(Kernel& kernel, Fd original, Fd workspace)
      : kernel_(&kernel), original_(std::move(original)), workspace_(std::move(workspace)) {}
  Kernel* kernel_;
  Fd original_;
  Fd workspace_;  // a tmpfs that exists only in here
  Fd memory_;
};

}  // namespace cfs
