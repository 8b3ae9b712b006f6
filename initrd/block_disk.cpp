#include "cfs/block_disk.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "cfs/file.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

// Devices made of devices that are made of devices: LVM on LUKS on RAID is three.
constexpr unsigned deepest_stack = 16;

Result<std::string> real_path(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), ::free);
  if (resolved == nullptr) {
    return fail_errno(Code::io_error, cat("find ", printable(path)));
  }
  return std::string(resolved.get());
}

std::string parent(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// "usb1": the root hub of a bus, below which all that is plugged into it lies.
bool is_usb_bus(std::string_view name) {
  constexpr std::string_view prefix = "usb";
  return name.starts_with(prefix) && parse_decimal<unsigned>(name.substr(prefix.size()));
}

// "1" of a disk, "removable" of a device on a bus; others have no such file.
bool says_removable(const std::string& directory) {
  constexpr std::size_t longest = 32;
  const auto text = read_file(cat(directory, "/removable"), longest);
  return text && (trim_end(*text) == "1" || trim_end(*text) == "removable");
}

// Looks at the device and at all that lies between it and the root of the device tree.
bool is_removable(std::string directory, std::string_view devices) {
  for (; directory.size() > devices.size() && directory.starts_with(devices); directory = parent(directory)) {
    if (is_usb_bus(std::string_view(directory).substr(directory.rfind('/') + 1)) ||
        says_removable(directory)) {
      return true;
    }
  }
  return false;
}

// What a device is made of. Only whole devices can be made of others.
Result<std::vector<std::string>> parts_of(const std::string& directory) {
  std::vector<std::string> parts;
  const std::string slaves = cat(directory, "/slaves");
  if (::access(slaves.c_str(), F_OK) == 0) {
    for (const std::string& name : CFS_TRY(list_directory(CFS_TRY(open_directory(slaves))))) {
      parts.push_back(CFS_TRY(real_path(cat(slaves, '/', name))));
    }
  }
  return parts;
}

Result<BlockDisk> resolve(const std::string& device, std::string_view devices, unsigned depth) {
  const bool is_partition = ::access(cat(device, "/partition").c_str(), F_OK) == 0;
  BlockDisk disk{.directory = is_partition ? parent(device) : device, .removable = false};
  disk.removable = is_removable(disk.directory, devices);
  const auto parts = CFS_TRY(parts_of(disk.directory));
  if (depth == deepest_stack && !parts.empty()) {
    return fail(Code::io_error, cat(printable(device), " is made of devices without end"));
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

Result<BlockDisk> disk_at(const std::string& directory, const std::string& sysfs) {
  return resolve(CFS_TRY(real_path(directory)), CFS_TRY(real_path(cat(sysfs, "/devices"))), 0);
}

Result<BlockDisk> disk_of(const Fd& device, const std::string& sysfs) {
  struct stat status{};
  if (::fstat(device.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at the device");
  }
  if (!S_ISBLK(status.st_mode)) {
    return fail(Code::io_error, "it is no block device");
  }
  return disk_at(cat(sysfs, "/dev/block/", major(status.st_rdev), ':', minor(status.st_rdev)), sysfs);
}

}  // namespace cfs
