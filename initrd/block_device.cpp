#include "cfs/block_device.hpp"

#include <blkid/blkid.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "cfs/text.hpp"

namespace cfs {

namespace {

using Clock = std::chrono::steady_clock;

std::string lookup(blkid_probe probe, const char* name) {
  const char* value = nullptr;
  return blkid_probe_lookup_value(probe, name, &value, nullptr) == 0 ? std::string(value) : std::string();
}

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
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/sys/class/block"), ::closedir);
  if (directory != nullptr) {
    while (const dirent* entry = ::readdir(directory.get())) {
      if (entry->d_name[0] != '.') {
        std::string path = cat("/dev/", entry->d_name);
        std::replace(path.begin() + 5, path.end(), '!', '/');  // sysfs writes '/' so
        paths.push_back(std::move(path));
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Nothing when there is no such block device, or when it cannot be opened (a drive without a medium).
std::optional<DeviceTags> tags_of(const std::string& path) {
  const Fd device(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!device || ::fstat(device.get(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    return std::nullopt;
  }
  return probe(device);
}

struct Match {
  std::string path;
  DeviceTags tags;
};

std::vector<Match> find(const DeviceSpec& spec) {
  const bool by_path = spec.by == DeviceSpec::By::path;
  std::vector<Match> found;
  for (const std::string& path : by_path ? std::vector{spec.value} : block_device_paths()) {
    auto tags = tags_of(path);
    if (tags && matches(spec, path, *tags)) {
      found.push_back({path, *std::move(tags)});
    }
  }
  return found;
}

}  // namespace

DeviceTags probe(const Fd& device) {
  const std::unique_ptr<std::remove_pointer_t<blkid_probe>, void (*)(blkid_probe)> probe(blkid_new_probe(),
                                                                                         blkid_free_probe);
  if (probe == nullptr || blkid_probe_set_device(probe.get(), device.get(), 0, 0) != 0) {
    return {};
  }
  // Few parsers see the bytes of a hostile disk.
  std::array<char*, 4> types{const_cast<char*>("ext4"), const_cast<char*>("btrfs"), const_cast<char*>("f2fs"),
                             nullptr};
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_filter_superblocks_type(probe.get(), BLKID_FLTR_ONLYIN, types.data());
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
  blkid_probe_enable_partitions(probe.get(), 1);
  blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_ENTRY_DETAILS);
  (void)blkid_do_safeprobe(probe.get());  // nothing found leaves nothing to look up
  return {.file_system = lookup(probe.get(), "TYPE"),
          .uuid = lookup(probe.get(), "UUID"),
          .label = lookup(probe.get(), "LABEL"),
          .partuuid = lookup(probe.get(), "PART_ENTRY_UUID"),
          .partlabel = lookup(probe.get(), "PART_ENTRY_NAME")};
}

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

Result<BlockDevice> wait_for_device(const DeviceSpec& spec, std::chrono::seconds timeout,
                                    const std::function<void()>& meanwhile) {
  const auto deadline = Clock::now() + timeout;
  // Listening begins before the first look, so that no device can appear unseen between the two.
  Uevents events = CFS_TRY(Uevents::listen());
  for (;;) {
    auto found = find(spec);
    if (found.size() > 1) {
      return fail(Code::device_ambiguous,
                  cat(found[0].path, " and ", found[1].path, " both are ", printable(spec.text())));
    }
    if (found.size() == 1) {
      if (found[0].tags.file_system.empty()) {
        return fail(Code::device_unreadable, cat(found[0].path, " holds no file system that can be a store"));
      }
      return BlockDevice{std::move(found[0].path), std::move(found[0].tags.file_system)};
    }
    if (!events.wait(deadline, meanwhile)) {
      return fail(Code::device_missing,
                  cat("no block device is ", printable(spec.text()), " after ", timeout.count(), " s"));
    }
  }
}

}  // namespace cfs
