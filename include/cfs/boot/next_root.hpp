// SPDX-License-Identifier: Apache-2.0
// The root that a soft reboot of systemd enters, made on the running system by the rules of a boot.
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/boot/report_names.hpp"
#include "cfs/decision/configuration.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// Where systemd looks for it.
inline constexpr auto next_root_place = "/run/nextroot";

// Opens ROOT/usr/lib/composefs-root, where an image keeps the policy and the keys by which its successor is
// judged. Code::policy_missing when the image has none; Code::root_replaced unless it lies on the mount of
// `root` itself, reached without links, that root is the one of which write_report() left a record in
// `reports`, and it cannot be written to: only then was it verified. Code::io_error.
[[nodiscard]] Result<ConfigurationPlace> open_image_configuration(
    const std::string& root, const std::string& reports = report_directory);

// Verifies and composes what the slots name now, by the policy and the keys of the running image, and
// attaches it at next_root_place, last of all, after publish_root(). To be called when all that uses /etc and
// /var of the running root has ended: /etc is detached first, since two overlays must not share an upper
// layer. Needs what make_verified_root() needs. Errors: those of open_image_configuration(),
// load_configuration(), make_verified_root() and publish_root(). Then nothing is attached. Returns
// Report::summary().
[[nodiscard]] Result<std::string> make_next_root(Kernel& kernel);

}  // namespace cfs
