// What `cfs-sign status` says, for people and for programs.
#pragma once

#include <string>
#include <string_view>

#include "cfs/boot_report.hpp"
#include "cfs/result.hpp"
#include "cfs/running_doors.hpp"

namespace cfs {

// Lines "WHAT VALUE". `check` is whether the system is as the boot left it.
[[nodiscard]] std::string status_text(const BootReport& report, const RunningDoors& doors,
                                      const Result<>& check);

// The report's own JSON with members more: "as-recorded", and "problem", the reason why not (or null);
// "doors", an array of {"door", "open", "by": "policy" | "change", "problem"}; "lockdown", the kernel's mode
// (or null); "kexec", "possible" or "disabled" (or null). Code::report_malformed.
[[nodiscard]] Result<std::string> status_json(std::string_view report, const RunningDoors& doors,
                                              const Result<>& check);

}  // namespace cfs
