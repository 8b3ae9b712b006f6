// SPDX-License-Identifier: Apache-2.0
// The names of the report: its files, and the members of boot.json. Writer and readers share them.
#pragma once

#include <cstddef>

namespace cfs {

// Where the report of the newest verified root lies: the whole as JSON; its mounts alone, a line each as
// mount_record() writes them; the device of its state alone, no file if there is none; and name() of what
// the policy has done about an object that is missing or another, no file if it is but reported.
inline constexpr auto report_directory = "/run/composefs-root";
inline constexpr auto report_name = "boot.json";
inline constexpr auto mount_record_name = "mounts";
inline constexpr std::size_t mount_record_max_bytes = 64UL * 1024;
inline constexpr auto state_device_name = "state-device";
inline constexpr auto corruption_action_name = "corruption-action";
// What the check of the running system found, a line for people; not there until it has ended.
inline constexpr auto object_check_name = "object-check";

// Members of boot.json (composefs-root-report(5)).
namespace report_key {

inline constexpr auto format = "format";
inline constexpr unsigned format_version = 1;

inline constexpr auto image = "image";
inline constexpr auto id = "id";
inline constexpr auto version = "version";
inline constexpr auto security_version = "security-version";
inline constexpr auto digest = "digest";
inline constexpr auto manifest = "manifest";
inline constexpr auto slot = "slot";

inline constexpr auto signers = "signers";

inline constexpr auto refused = "refused";  // manifest, slot, and:
inline constexpr auto code = "code";
inline constexpr auto reason = "reason";

inline constexpr auto state = "state";  // device, and:
inline constexpr auto root = "root";
inline constexpr auto etc = "etc";
inline constexpr auto var = "var";
inline constexpr auto etc_upper = "etc-upper";
inline constexpr auto machine_id = "machine-id";
inline constexpr auto factory_reset = "factory-reset";
inline constexpr auto device = "device";

inline constexpr auto open_doors = "open-doors";

inline constexpr auto mounts = "mounts";  // device, root, and:
inline constexpr auto path = "path";

inline constexpr auto store = "store";  // device, and:
inline constexpr auto read_ahead = "read-ahead";

inline constexpr auto tpm = "tpm";
inline constexpr auto mode = "mode";

inline constexpr auto kernel = "kernel";
inline constexpr auto release = "release";
inline constexpr auto features = "features";

inline constexpr auto stages = "stages";
inline constexpr auto stage = "stage";
inline constexpr auto end_us = "end_us";
inline constexpr auto us = "us";

}  // namespace report_key

}  // namespace cfs
