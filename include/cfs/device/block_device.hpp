// SPDX-License-Identifier: Apache-2.0
// Finding the block device that a DeviceSpec names, and waiting for it to appear.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/trust/device_spec.hpp"

namespace cfs {

struct BlockDevice {
  std::string path;  // "/dev/vda1"
  Fd device;         // the one that was looked at, for reading
};

// What the device, and the table of the disk that it is a partition of, say of it, in the words of blkid(8);
// an empty string where they say nothing.
struct DeviceTags {
  std::string file_system;
  std::string uuid;
  std::string label;
  std::string partuuid;
  std::string partlabel;
};

// Whether a device at `path` with these tags is the one that `spec` names.
[[nodiscard]] bool matches(const DeviceSpec& spec, const std::string& path, const DeviceTags& tags);

struct DeviceWait {
  std::chrono::seconds timeout{10};
  bool removable = false;  // whether a device on a removable disk (block_disk.hpp) may be it
};

// The device that `spec` names, waiting for the kernel to announce it (uevents; no polling). `meanwhile` is
// called at least once a second while waiting. Needs /sys and /dev.
// Code::device_missing after the deadline, which names a device that was removable; Code::device_ambiguous
// when several devices match.
[[nodiscard]] Result<BlockDevice> wait_for_device(const DeviceSpec& spec, const DeviceWait& wait,
                                                  const std::function<void()>& meanwhile);

}  // namespace cfs
