// SPDX-License-Identifier: Apache-2.0
// What `cfs-sign status` says, for people and for programs.
#pragma once

#include <string>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/status/report_reader.hpp"
#include "cfs/status/running_doors.hpp"

namespace cfs {

// Lines "WHAT VALUE". `objects` is what the check in the background has found, `check` whether the system is
// as the boot left it.
[[nodiscard]] std::string status_text(const BootReport& report, const RunningDoors& doors,
                                      const std::string& objects, const Result<>& check);

// The report's own JSON with members more: "as-recorded", and "problem", the reason why not (or null);
// "objects", as above; "doors", an array of {"door", "open", "by": "policy" | "change", "problem"};
// "lockdown", the kernel's mode (or null); "kexec", "possible" or "disabled" (or null).
// Code::report_malformed.
[[nodiscard]] Result<std::string> status_json(std::string_view report, const RunningDoors& doors,
                                              const std::string& objects, const Result<>& check);

}  // namespace cfs
