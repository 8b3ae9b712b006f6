// SPDX-License-Identifier: Apache-2.0
// What a boot did, for /run/composefs-root.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/boot/report_names.hpp"
#include "cfs/boot/stage_clock.hpp"
#include "cfs/decision/decision.hpp"
#include "cfs/mount/mount_table.hpp"
#include "cfs/state/state.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

struct Report {
  Candidate candidate;  // that was taken
  Manifest image;
  std::vector<std::string> signers;
  std::vector<Refusal> refused;
  std::string store_device;
  bool read_ahead = false;  // by the profile of the image
  RootMode root = RootMode::none;
  EtcMode etc = EtcMode::none;
  VarMode var = VarMode::none;
  std::string state_device;  // empty: none
  StateOutcome state;
  std::vector<std::string> open_doors;  // the keys of those that the policy opens
  CorruptionAction corruption = CorruptionAction::report;
  std::vector<TreeMount> mounts;  // of the root
  std::string kernel_release;
  std::vector<std::string> kernel_features;
  std::vector<StageTime> stages;

  // One line for people: which image, from where, and how long it took.
  [[nodiscard]] std::string summary(std::chrono::microseconds elapsed) const;

  // The whole report as JSON, one object, ending with a line feed.
  [[nodiscard]] std::string json() const;
};

// Writes its files (report_names.hpp) below `directory`, which is made if it is not there, each complete or
// not at all, in place of older ones, and removes what was found of an older root. Code::io_error.
[[nodiscard]] Result<> write_report(const Report& report, const std::string& directory = report_directory);

}  // namespace cfs
