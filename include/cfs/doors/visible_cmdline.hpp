// SPDX-License-Identifier: Apache-2.0
// The kernel command line that user space sees: a filtered copy of the real one, mounted over /proc/cmdline.
//
// It is depth, not the boundary: a process with a procfs of its own, or the kernel log, shows the real one.
// What must not act is refused (selection.hpp); what closes a door has other means besides, where there are
// any.
#pragma once

#include <string>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// `text` without the words that the policy hides (cmdline.hide), as written otherwise, and after them the
// words that close doors, where the last of two counts; ends with a line feed. Exactly `text` if there is
// nothing to hide or to add.
[[nodiscard]] std::string filter_cmdline(std::string_view text, const Policy& policy);

// Where the copy comes from, and where the procfs is to be seen in whole: for the root user alone. The kernel
// lets a user namespace mount a procfs only where one is visible with nothing mounted over a part of it. It
// moves with /dev into every root that is entered.
inline constexpr auto visible_cmdline_directory = "/dev/.composefs-root";

// Mounts a file with these bytes over /proc/cmdline, on a superblock that is read-only, nosuid, nodev,
// noexec, and the procfs of /proc once more below visible_cmdline_directory. Takes away before what was
// mounted at either place. Needs /proc and a writable /dev. Code::mount_failed.
[[nodiscard]] Result<> cover_cmdline(Kernel& kernel, std::string_view bytes);

// Takes away what is mounted over /proc/cmdline. Code::mount_failed if there is still something.
[[nodiscard]] Result<> uncover_cmdline(Kernel& kernel);

}  // namespace cfs
