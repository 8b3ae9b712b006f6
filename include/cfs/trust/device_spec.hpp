// SPDX-License-Identifier: Apache-2.0
// How people name a block device. block_device.hpp finds it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

struct DeviceSpec {
  enum class By : std::uint8_t { path, uuid, label, partuuid, partlabel };
  By by = By::path;
  std::string value;  // "/dev/…", or the tag's value

  // "UUID=…", "LABEL=…", "PARTUUID=…", "PARTLABEL=…" or an absolute path below /dev. A path such as
  // /dev/disk/by-partlabel/… stands for the tag: udev makes the link of one of the devices that carry it, and
  // that there are several must be seen. Code::unsupported_input.
  [[nodiscard]] static Result<DeviceSpec> parse(std::string_view text);

  // As parse() takes it.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

}  // namespace cfs
