// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/running_doors.hpp"

#include <algorithm>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/doors/doors.hpp"

namespace cfs {

namespace {

constexpr std::size_t max_bytes = 64UL * 1024;

// A file of the kernel's; nullopt if it has none of that name.
Result<std::optional<std::string>> read_kernel_file(const std::string& path) {
  auto text = read_file(path, max_bytes);
  if (!text && text.error().code() == Code::not_found) {
    return std::nullopt;
  }
  return std::string(trim_end(CFS_TRY(std::move(text))));
}

RunningDoor find_door(const Door& door, bool opened, const std::string& root, const std::string& cmdline) {
  RunningDoor found{.key = std::string(door.key())};
  if (opened) {
    found.state = DoorState::open_by_policy;
  } else if (const auto checked = check_door(door, root, cmdline); !checked) {
    found.state = DoorState::open_since_boot;
    found.problem = checked.error().what();
  }
  return found;
}

// "none [integrity] confidentiality": that in brackets.
std::optional<std::string> lockdown_mode(const std::optional<std::string>& text) {
  if (!text) {
    return std::nullopt;
  }
  const auto begin = text->find('[');
  const auto end = text->find(']', begin);
  if (begin == std::string::npos || end == std::string::npos) {
    return std::nullopt;
  }
  return text->substr(begin + 1, end - begin - 1);
}

}  // namespace

Result<RunningDoors> find_doors(const BootReport& report, const std::string& root) {
  RunningDoors found;
  if (report.open_doors) {
    const std::string cmdline = CFS_TRY(read_visible_cmdline(root));
    for (const Door& door : all_doors()) {
      const bool opened = std::ranges::find(*report.open_doors, door.key()) != report.open_doors->end();
      found.doors.push_back(find_door(door, opened, root, cmdline));
    }
  }
  found.lockdown = lockdown_mode(CFS_TRY(read_kernel_file(cat(root, "/sys/kernel/security/lockdown"))));
  if (const auto disabled = CFS_TRY(read_kernel_file(cat(root, "/proc/sys/kernel/kexec_load_disabled")))) {
    found.kexec = *disabled == "0" ? Kexec::possible : Kexec::disabled;
  }
  return found;
}

Result<> check_doors(const RunningDoors& doors) {
  for (const RunningDoor& door : doors.doors) {
    if (door.state == DoorState::open_since_boot) {
      return fail(Code::door_open, cat("the door ", door.key, " was opened since the boot: ", door.problem));
    }
  }
  return {};
}

}  // namespace cfs
