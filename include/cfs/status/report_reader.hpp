// SPDX-License-Identifier: Apache-2.0
// boot.json as the running system reads it: what report.hpp writes in the initrd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/mount/mount_table.hpp"

namespace cfs {

struct BootReport {
  std::string image_id;
  std::string version;
  std::uint64_t security_version = 0;
  std::string digest;
  std::string manifest;
  std::string slot;                  // empty: named by the command line
  std::vector<std::string> signers;  // key ids; at least one

  struct Refused {
    std::string manifest;
    std::string slot;
    std::string code;
    std::string reason;
  };
  std::vector<Refused> refused;

  std::string root_mode;  // "none", "transient"
  std::string etc;
  std::string var;
  std::string etc_upper;
  std::string machine_id;
  bool factory_reset = false;
  std::string state_device;  // empty: none
  std::string store_device;
  bool read_ahead = false;
  std::optional<std::vector<std::string>>
      open_doors;                 // by the policy; nullopt: written by an earlier version
  std::vector<TreeMount> mounts;  // without ids; the first is that of "/"

  std::string kernel_release;
  std::vector<std::string> kernel_features;

  struct Stage {
    std::string name;
    std::uint64_t end_us = 0;  // on CLOCK_MONOTONIC
    std::uint64_t us = 0;
  };
  std::vector<Stage> stages;
};

// The text of the report of the system whose root directory is `root`; empty: this one. Code::not_found when
// that was not booted by composefs-root; Code::io_error, Code::path_refused.
[[nodiscard]] Result<std::string> read_boot_report(const std::string& root);

// Strict about all of the above; other members are ignored, as later versions may add some.
// Code::report_malformed.
[[nodiscard]] Result<BootReport> parse_boot_report(std::string_view text);

// Both: the report of the system whose root directory is `root`.
[[nodiscard]] Result<BootReport> load_boot_report(const std::string& root = {});

}  // namespace cfs
