// SPDX-License-Identifier: Apache-2.0
// The names and values of systemd's unit files: see systemd.unit(5) and systemd-escape(1).
#pragma once

#include <string>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/trust/device_spec.hpp"

namespace cfs {

// The path under which udev shows the device: for a tag the link below /dev/disk, named as udev encodes tags.
// UUIDs become lower case, as those of partitions and of the file systems that can hold a store are. Bytes
// outside ASCII stay, as UTF-8 does for udev.
[[nodiscard]] std::string device_node(const DeviceSpec& device);

// The name of the unit that stands for an absolute path, as `systemd-escape --path --suffix=SUFFIX` gives it:
// "dev-disk-by\x2dlabel-a.device" for "/dev/disk/by-label/a" and "device". The path has no empty component,
// no "." and no "..". Code::unsupported_input when the name would be longer than systemd takes.
[[nodiscard]] Result<std::string> unit_name(std::string_view path, std::string_view suffix);

// `text` as what follows "KEY=" for a setting that is not split into words, such as What=: specifiers
// doubled. Code::unsupported_input for text that no such line can hold: with control characters, or with a
// blank or a backslash as its last character.
[[nodiscard]] Result<std::string> unit_value(std::string_view text);

}  // namespace cfs
