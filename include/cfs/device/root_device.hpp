// SPDX-License-Identifier: Apache-2.0
// Tells systemd on which disk to look for more.
#pragma once

#include <string>

#include "cfs/base/result.hpp"

namespace cfs {

// Makes DIRECTORY/volatile-root, in place of an older one, a link to /dev/block/MAJOR:MINOR of a block
// device. On an overlay systemd-gpt-auto-generator(8) and systemd-repart(8) have no other way to find the
// disk of the root, and with it the ESP and the other partitions that they know by their types. Where udev
// has not made /dev/block/MAJOR:MINOR yet, it is made: they start before udev in the root does.
// Code::io_error.
[[nodiscard]] Result<> publish_root_device(const std::string& device,
                                           const std::string& directory = "/run/systemd");

}  // namespace cfs
