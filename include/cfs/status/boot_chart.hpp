// SPDX-License-Identifier: Apache-2.0
// A chart of a boot: what happened when, and how long it took.
#pragma once

#include <optional>
#include <string>

#include "cfs/status/boot_times.hpp"
#include "cfs/status/report_reader.hpp"

namespace cfs {

// An SVG, in ASCII: what booted; the initrd's stages, enlarged, with their microseconds; and, where systemd's
// times are known, the whole boot until systemd had finished, or as far as it went: kernel, initrd, the way
// to systemd on the root, systemd itself, and the units that were started by then, in that order. Whatever
// the texts and numbers are, it is well-formed.
[[nodiscard]] std::string boot_chart(const BootReport& report, const std::optional<BootTimes>& times);

}  // namespace cfs
