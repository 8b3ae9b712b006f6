// SPDX-License-Identifier: Apache-2.0
// Which doors of the running system are open, and by whose word.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/status/report_reader.hpp"

namespace cfs {

enum class DoorState : std::uint8_t {
  closed,
  open_by_policy,
  open_since_boot,  // somebody took away what closed it
};

struct RunningDoor {
  std::string key;  // in the policy's table [doors]
  DoorState state = DoorState::closed;
  std::string problem{};  // what is missing; for open_since_boot alone
};

enum class Kexec : std::uint8_t { absent, disabled, possible };

struct RunningDoors {
  std::vector<RunningDoor> doors;  // none if the boot report does not know them
  std::optional<std::string>
      lockdown;                 // of the kernel: "none", "integrity", "confidentiality"; nullopt: no lockdown
  Kexec kexec = Kexec::absent;  // whether root can make a kernel of its choice the next to run
};

// Compares the system whose root directory is `root` (empty: this one) with what the report says the policy
// opened. Code::io_error.
[[nodiscard]] Result<RunningDoors> find_doors(const BootReport& report, const std::string& root);

// Code::door_open, naming the first door that is open and was closed by the boot.
[[nodiscard]] Result<> check_doors(const RunningDoors& doors);

}  // namespace cfs
