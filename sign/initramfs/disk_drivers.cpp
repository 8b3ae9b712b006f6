// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/disk_drivers.hpp"

#include <algorithm>
#include <array>

#include "cfs/archive/newc.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/trust/cmdline.hpp"

namespace cfs {

namespace {

constexpr std::size_t list_max_bytes = 4UL * 1024 * 1024;

// Where Linux has drivers that make block devices.
constexpr auto places = std::to_array<std::string_view>(
    {"kernel/drivers/ata/", "kernel/drivers/block/", "kernel/drivers/firewire/", "kernel/drivers/memstick/",
     "kernel/drivers/message/", "kernel/drivers/mmc/", "kernel/drivers/mtd/", "kernel/drivers/nvdimm/",
     "kernel/drivers/nvme/host/", "kernel/drivers/s390/block/", "kernel/drivers/scsi/", "kernel/drivers/ufs/",
     "kernel/drivers/usb/storage/"});

// What lies there and reaches no disk: a part of other drivers, or a device that a program must set up.
constexpr auto parts = std::to_array<std::string_view>(
    {"brd", "drbd", "libata", "loop", "mmc_core", "mtd", "nbd", "null_blk", "nvme-core", "nvme-fabrics",
     "rbd", "scsi_common", "scsi_mod", "sd_mod", "sg", "sr_mod", "zram"});

constexpr std::string_view danger =
    "built in: whoever writes an untrusted command line can have the kernel mount a root on such a disk "
    "itself (rdinit=, root=)";

std::string_view module_name(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);
  return path.substr(0, path.find(".ko"));
}

bool contains(std::span<const std::string> names, std::string_view name) {
  // Module names, like parameters, mean the same with dash and underscore.
  return std::ranges::any_of(names, [&](const std::string& other) { return same_parameter(other, name); });
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += cat(text.empty() ? "" : ", ", printable(name));
  }
  return text;
}

}  // namespace

std::vector<std::string> built_in_disk_drivers(std::string_view list) {
  std::vector<std::string> drivers;
  for (const std::string_view path : split(list, '\n')) {
    const bool makes_disks =
        std::ranges::any_of(places, [&](std::string_view place) { return path.starts_with(place); });
    if (makes_disks && std::ranges::find(parts, module_name(path)) == parts.end()) {
      drivers.emplace_back(module_name(path));
    }
  }
  return drivers;
}

std::string disk_driver_warning(std::string_view initrd, const Policy& policy) {
  constexpr std::string_view directory = "usr/lib/modules/";
  constexpr std::string_view list = "/modules.builtin";
  if (policy.cmdline.trust == CmdlineTrust::signed_cmdline) {
    return {};
  }
  NewcReader reader(initrd);
  std::vector<std::string> drivers;
  while (!reader.rest().empty()) {
    const auto entry = reader.next();
    if (!entry) {
      break;
    }
    if (*entry && (*entry)->path.starts_with(directory) && (*entry)->path.ends_with(list)) {
      drivers = built_in_disk_drivers((*entry)->contents);
    }
  }
  return drivers.empty() ? std::string() : cat("the kernel has ", joined(drivers), ' ', danger);
}

Result<std::string> check_disk_drivers(const std::string& modules, std::span<const std::string> required,
                                       const Policy& policy) {
  if (policy.cmdline.trust == CmdlineTrust::signed_cmdline) {
    return std::string();
  }
  const std::string list = CFS_TRY(read_file(cat(modules, "/modules.builtin"), list_max_bytes));
  std::vector<std::string> drivers = built_in_disk_drivers(list);
  std::vector<std::string> own;
  std::ranges::copy_if(drivers, std::back_inserter(own),
                       [&](const std::string& driver) { return contains(required, driver); });
  if (own.empty() && required.empty()) {
    own = drivers;
  }
  if (!own.empty()) {
    return fail(Code::unsupported_input,
                cat("the kernel has ", joined(own), ' ', danger,
                    "; take a kernel that has it as a module, or sign the command line and say so in the "
                    "policy, cmdline.trust = \"signed\""));
  }
  return drivers.empty() ? std::string() : cat("the kernel has ", joined(drivers), ' ', danger);
}

}  // namespace cfs
