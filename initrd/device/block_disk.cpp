// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/block_disk.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string_view>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// Devices made of devices that are made of devices: LVM on LUKS on RAID is three.
constexpr unsigned deepest_stack = 16;

std::string parent(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// The device that a link of sysfs leads to, by the link's real path. A link there is relative, and goes up
// only as far as it has to: "../../devices/pci0000:00/…" from dev/block, "../../../../pci0000:00/…" from the
// slaves of a device. One system call, where realpath(3) makes one for each directory on the way.
Result<std::string> device_of_link(const std::string& link, std::string_view devices) {
  constexpr std::size_t longest = 4096;
  std::string target(longest, '\0');
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length < 0) {
    return fail_errno(Code::io_error, cat("read the link ", printable(link)));
  }
  target.resize(static_cast<std::size_t>(length));
  constexpr std::string_view up = "../";
  std::string_view rest = target;
  std::string base = parent(link);
  while (rest.starts_with(up)) {
    rest.remove_prefix(up.size());
    base = parent(base);
  }
  std::string device = cat(base, '/', rest);
  if (!device.starts_with(cat(devices, '/')) || target.size() == longest) {
    return fail(Code::io_error, cat(printable(link), " leads to no device"));
  }
  return device;
}

// "usb1": the root hub of a bus, below which all that is plugged into it lies.
bool is_usb_bus(std::string_view name) {
  constexpr std::string_view prefix = "usb";
  return name.starts_with(prefix) && parse_decimal<unsigned>(name.substr(prefix.size()));
}

// "0000:3b:00.0": domain, bus, device and function, in hexadecimal.
bool is_pci_device(std::string_view name) {
  const auto bus = name.find(':');
  return bus != std::string_view::npos && name.size() == bus + std::string_view(":3b:00.0").size() &&
         name[bus + 3] == ':' && name[bus + 6] == '.' &&
         name.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
}

// "1" of a disk, "removable" of a device on a bus.
bool says_removable(const std::string& directory) {
  constexpr std::size_t longest = 32;
  const auto text = read_file(cat(directory, "/removable"), longest);
  return text && (trim_end(*text) == "1" || trim_end(*text) == "removable");
}

// Looks at the disk and at all that lies between it and the root of the device tree. Of devices on a bus,
// those on PCI alone have such a file where it matters (dev_set_removable() in Linux): to look for it takes
// more than to know that it is not there, of a directory of sysfs in which nobody has looked for anything.
bool is_removable(const std::string& disk, std::string_view devices) {
  if (says_removable(disk)) {
    return true;
  }
  for (std::string above = parent(disk); above.size() > devices.size() && above.starts_with(devices);
       above = parent(above)) {
    const std::string_view name = std::string_view(above).substr(above.rfind('/') + 1);
    if (is_usb_bus(name) || (is_pci_device(name) && says_removable(above))) {
      return true;
    }
  }
  return false;
}

// What a device is made of. Only a whole device can be made of others, and only one that has no hardware of
// its own.
Result<std::vector<std::string>> parts_of(const std::string& directory, std::string_view devices) {
  std::vector<std::string> parts;
  const std::string slaves = cat(directory, "/slaves");
  if (directory.starts_with(cat(devices, "/virtual/")) && ::access(slaves.c_str(), F_OK) == 0) {
    for (const std::string& name : CFS_TRY(list_directory(CFS_TRY(open_directory(slaves))))) {
      parts.push_back(CFS_TRY(device_of_link(cat(slaves, '/', name), devices)));
    }
  }
  return parts;
}

// The controllers of an NVMe subsystem whose namespaces are reached through any of them: then a namespace
// lies beside links to them, and not below one.
Result<std::vector<std::string>> controllers_of(const std::string& disk, std::string_view devices) {
  std::vector<std::string> controllers;
  const std::string subsystem = parent(disk);
  if (parent(subsystem) != cat(devices, "/virtual/nvme-subsystem")) {
    return controllers;
  }
  for (const ListedEntry& entry : CFS_TRY(list_entries(CFS_TRY(open_directory(subsystem))))) {
    constexpr std::string_view prefix = "nvme";
    if (entry.type == DT_LNK && std::string_view(entry.name).starts_with(prefix)) {
      controllers.push_back(CFS_TRY(device_of_link(cat(subsystem, '/', entry.name), devices)));
    }
  }
  return controllers;
}

Result<BlockDisk> resolve(const std::string& device, std::string_view devices, unsigned depth) {
  const bool is_partition = ::access(cat(device, "/partition").c_str(), F_OK) == 0;
  BlockDisk disk{.directory = is_partition ? parent(device) : device, .removable = false};
  disk.removable = is_removable(disk.directory, devices);
  for (const std::string& controller : CFS_TRY(controllers_of(disk.directory, devices))) {
    disk.removable = disk.removable || is_removable(controller, devices);
  }
  const auto parts = CFS_TRY(parts_of(disk.directory, devices));
  if (depth == deepest_stack && !parts.empty()) {
    return fail(Code::io_error, cat(printable(device), " is made of too many layers of devices"));
  }
  for (const std::string& part : parts) {
    const BlockDisk below = CFS_TRY(resolve(part, devices, depth + 1));
    disk.removable = disk.removable || below.removable;
    if (parts.size() == 1) {
      disk.directory = below.directory;
    }
  }
  return disk;
}

}  // namespace

Result<BlockDisk> disk_at(const std::string& link, const std::string& sysfs) {
  const std::string devices = cat(sysfs, "/devices");
  return resolve(CFS_TRY(device_of_link(link, devices)), devices, 0);
}

Result<BlockDisk> disk_of(const Fd& device, const std::string& sysfs) {
  struct stat status{};
  if (::fstat(device.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at the device");
  }
  if (!S_ISBLK(status.st_mode)) {
    return fail(Code::io_error, "it is not a block device");
  }
  return disk_at(cat(sysfs, "/dev/block/", major(status.st_rdev), ':', minor(status.st_rdev)), sysfs);
}

}  // namespace cfs
