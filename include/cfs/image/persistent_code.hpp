// SPDX-License-Identifier: Apache-2.0
// What of an image executes from a /etc or /var that persists: whoever writes to the disk, or is root on the
// running system once, decides from then on what that is.
#pragma once

#include <string>
#include <vector>

#include "cfs/image/file_tree.hpp"
#include "cfs/trust/manifest.hpp"

namespace cfs {

struct PersistentCode {
  std::string what;   // "cron"
  std::string found;  // by which file of the image: "/usr/lib/systemd/system/cron.service"
  std::string means;  // "commands in /var/spool/cron run as root"
};

// What there is in an image whose manifest asks for these modes, in the order of one table; empty where
// neither persists. A list of what is known: that it is empty proves nothing.
[[nodiscard]] std::vector<PersistentCode> find_persistent_code(const FileTree& image, EtcMode etc,
                                                               VarMode var);

}  // namespace cfs
