// SPDX-License-Identifier: Apache-2.0
// A whole Debian with the host's part of this project installed, as a user prepares and ships one: a root
// directory, images of it, a disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "small_machine.hpp"
#include "suites.hpp"

namespace cfs::test {

// Made step by step, so that a test can change the root between the images. All calls throw
// std::runtime_error.
class HostSystem {
 public:
  // For devices with this policy. The root has these packages besides what cfs-sign needs.
  explicit HostSystem(std::string_view policy, const std::vector<std::string>& packages = {},
                      const Suites& suites = debian13);

  // The policy of a device that keeps /etc and, where its image wants that, /var on this state device.
  [[nodiscard]] static std::string policy(const std::string& state_device = "PARTLABEL=composefs-state");

  [[nodiscard]] const Workshop& workshop() const { return workshop_; }
  [[nodiscard]] std::filesystem::path root() const { return workshop_ / "root"; }
  [[nodiscard]] std::filesystem::path configuration() const { return workshop_ / "configuration"; }
  [[nodiscard]] std::filesystem::path public_key() const { return configuration() / "keys/device.pub"; }
  [[nodiscard]] std::filesystem::path key() const { return workshop_ / "device.key"; }
  [[nodiscard]] std::filesystem::path store() const { return workshop_ / "store"; }
  [[nodiscard]] std::filesystem::path disk() const { return workshop_ / "disk.img"; }
  [[nodiscard]] const KernelFiles& kernel() const { return kernel_; }

  // Composes the root as it is now into the store, with a signed manifest of this name in this slot. Returns
  // the digest.
  [[nodiscard]] std::string add_image(const std::string& name, const std::string& slot,
                                      const std::string& var = "bind") const;

  // Writes the store to the disk, with these options of cfs-sign disk.
  void make_disk(const std::vector<std::string>& options = {}) const;

  // The initramfs for PID 1, made by cfs-sign.
  [[nodiscard]] std::filesystem::path initramfs() const;

  // A machine that boots from the disk, and keeps what it writes there, to a login on its serial console.
  [[nodiscard]] MachineOptions machine(const std::filesystem::path& initramfs) const;

 private:
  KernelFiles kernel_;
  Workshop workshop_;
};

}  // namespace cfs::test
