// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/block_device.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <optional>
#include <string_view>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/device/block_disk.hpp"
#include "cfs/device/partition.hpp"
#include "cfs/device/superblock.hpp"

namespace cfs {

namespace {

using Clock = std::chrono::steady_clock;

// The kernel's announcements of devices that come, go or change (NETLINK_KOBJECT_UEVENT, group 1).
class Uevents {
 public:
  static Result<Uevents> listen() {
    Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return fail_errno(Code::io_error, "listen to the kernel's device events");
    }
    return Uevents(std::move(socket));
  }

  // Waits until a block device may have appeared, or until the deadline: false then.
  bool wait(Clock::time_point deadline, const std::function<void()>& meanwhile) {
    for (;;) {
      meanwhile();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) {
        return false;
      }
      pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
      constexpr long between_calls = 500;  // for `meanwhile`, not for the devices
      if (::poll(&ready, 1, static_cast<int>(std::min<long>(left.count(), between_calls))) > 0 && drain()) {
        return true;
      }
    }
  }

 private:
  explicit Uevents(Fd socket) : socket_(std::move(socket)) {}

  // Reads what is queued. True if some of it concerns a block device, or if the queue overflowed.
  bool drain() {
    bool block = false;
    for (;;) {
      std::array<char, 8192> buffer;
      sockaddr_nl sender{};
      socklen_t sender_size = sizeof sender;
      const auto length = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&sender), &sender_size);
      if (length < 0) {
        return block || errno == ENOBUFS;
      }
      const std::string_view event(buffer.data(), static_cast<std::size_t>(length));
      using namespace std::string_view_literals;
      block = block || (sender.nl_pid == 0 && event.find("\0SUBSYSTEM=block\0"sv) != std::string_view::npos);
    }
  }

  Fd socket_;
};

// The paths of all block devices of the machine, in order of name.
std::vector<std::string> block_device_paths() {
  std::vector<std::string> paths;
  if (const auto directory = open_directory("/sys/class/block")) {
    for (const std::string& name : list_directory(*directory).value_or(std::vector<std::string>())) {
      std::string& path = paths.emplace_back(cat("/dev/", name));
      std::replace(path.begin() + 5, path.end(), '!', '/');  // sysfs writes '/' so
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// What sysfs(5) says in a file of one line.
template <std::unsigned_integral N>
std::optional<N> read_number(const std::string& path) {
  constexpr std::size_t longest = 32;
  const auto text = read_file(path, longest);
  return text ? parse_decimal<N>(trim_end(*text)) : std::nullopt;
}

// The path of the device that has this directory in sysfs.
std::optional<std::string> device_path(const std::string& directory) {
  constexpr std::size_t longest = 4096;
  const auto uevent = read_file(cat(directory, "/uevent"), longest);
  if (uevent) {
    constexpr std::string_view key = "DEVNAME=";
    for (const std::string_view line : split(*uevent, '\n')) {
      if (line.starts_with(key)) {
        return cat("/dev/", line.substr(key.size()));
      }
    }
  }
  return std::nullopt;
}

// Empty if the device is not a partition.
PartitionTags partition_tags(const Fd& device) {
  struct stat status{};
  if (::fstat(device.get(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    return {};
  }
  const std::string directory = cat("/sys/dev/block/", major(status.st_rdev), ':', minor(status.st_rdev));
  const auto number = read_number<std::uint32_t>(cat(directory, "/partition"));
  if (!number) {
    return {};
  }
  const std::string disk_directory = cat(directory, "/..");  // what the link leads to lies in the disk's
  constexpr std::uint64_t unit = 512;                        // of "start", whatever the disk's sectors
  const auto start = read_number<std::uint64_t>(cat(directory, "/start"));
  const auto sector_size = read_number<std::uint32_t>(cat(disk_directory, "/queue/logical_block_size"));
  const auto path = device_path(disk_directory);
  if (!start || !sector_size || !path) {
    return {};
  }
  const Fd disk(::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return disk ? read_partition(disk, *sector_size, {.number = *number, .start = *start * unit})
              : PartitionTags();
}

void add_superblock_tags(const Fd& device, DeviceTags& tags) {
  if (auto superblock = read_superblock(device)) {
    tags.file_system = std::move(superblock->file_system);
    tags.uuid = std::move(superblock->uuid);
    tags.label = std::move(superblock->label);
  }
}

void add_partition_tags(const Fd& device, DeviceTags& tags) {
  auto [partuuid, partlabel] = partition_tags(device);
  tags.partuuid = std::move(partuuid);
  tags.partlabel = std::move(partlabel);
}

bool is_named_by_its_partition(const DeviceSpec& spec) {
  return spec.by == DeviceSpec::By::partuuid || spec.by == DeviceSpec::By::partlabel;
}

// nullopt when there is no such block device, when it cannot be opened (a drive without a medium), or when it
// is not the one that is looked for. A disk may have dozens of partitions: of each is read what `spec` asks
// for only.
std::optional<BlockDevice> look_at(const std::string& path, const DeviceSpec& spec) {
  Fd device(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!device || ::fstat(device.get(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    return std::nullopt;
  }
  // A superblock and a table are all that is read of it here, before the kernel opens it for itself.
  (void)::posix_fadvise(device.get(), 0, 0, POSIX_FADV_RANDOM);
  DeviceTags tags;
  if (is_named_by_its_partition(spec)) {
    add_partition_tags(device, tags);
  } else if (spec.by != DeviceSpec::By::path) {
    add_superblock_tags(device, tags);
  }
  if (!matches(spec, path, tags)) {
    return std::nullopt;
  }
  return BlockDevice{.path = path, .device = std::move(device)};
}

// The devices that `spec` names.
struct Found {
  std::vector<BlockDevice> devices;
  std::string removable;  // the path of one that does not count, because it is removable
};

Result<Found> find(const DeviceSpec& spec, bool removable) {
  const bool by_path = spec.by == DeviceSpec::By::path;
  Found found;
  for (const std::string& path : by_path ? std::vector{spec.value} : block_device_paths()) {
    auto device = look_at(path, spec);
    if (!device) {
      continue;
    }
    if (!removable && CFS_TRY_IN(disk_of(device->device), path).removable) {
      found.removable = path;
    } else {
      found.devices.push_back(*std::move(device));
    }
  }
  return found;
}

}  // namespace

bool matches(const DeviceSpec& spec, const std::string& path, const DeviceTags& tags) {
  // UUIDs are written in either case; labels mean their case.
  const auto same_uuid = [&](const std::string& tag) {
    return !tag.empty() && ::strcasecmp(tag.c_str(), spec.value.c_str()) == 0;
  };
  switch (spec.by) {
    case DeviceSpec::By::path:
      return path == spec.value;
    case DeviceSpec::By::uuid:
      return same_uuid(tags.uuid);
    case DeviceSpec::By::label:
      return !tags.label.empty() && tags.label == spec.value;
    case DeviceSpec::By::partuuid:
      return same_uuid(tags.partuuid);
    case DeviceSpec::By::partlabel:
      return !tags.partlabel.empty() && tags.partlabel == spec.value;
  }
  return false;
}

Result<BlockDevice> wait_for_device(const DeviceSpec& spec, const DeviceWait& wait,
                                    const std::function<void()>& meanwhile) {
  const auto deadline = Clock::now() + wait.timeout;
  // Listening begins before the first look, so that no device can appear unseen between the two.
  Uevents events = CFS_TRY(Uevents::listen());
  for (;;) {
    auto [devices, removable] = CFS_TRY(find(spec, wait.removable));
    if (devices.size() > 1) {
      return fail(Code::device_ambiguous,
                  cat(devices[0].path, " and ", devices[1].path, " both are ", printable(spec.text())));
    }
    if (devices.size() == 1) {
      return std::move(devices[0]);
    }
    if (!events.wait(deadline, meanwhile)) {
      return fail(
          Code::device_missing,
          cat("no block device is ", printable(spec.text()), " after ", wait.timeout.count(), " s",
              removable.empty() ? "" : cat("; ", printable(removable), " does not count, being removable")));
    }
  }
}

}  // namespace cfs
