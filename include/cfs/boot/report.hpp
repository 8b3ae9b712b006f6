// SPDX-License-Identifier: Apache-2.0
// What a boot did, for /run/composefs-root.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/base/stage_marker.hpp"
#include "cfs/decision/decision.hpp"
#include "cfs/mount/mount_table.hpp"
#include "cfs/state/state.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

class Report {
 public:
  // Timing begins now.
  Report() : last_(std::chrono::steady_clock::now()), start_(last_) {}

  // Ends the stage that began when the one before ended, or at construction.
  template <Stage stage>
  void end_stage() {
    mark_stage<stage>();
    record(name(stage));
  }

  // CLOCK_MONOTONIC microseconds since construction.
  [[nodiscard]] std::int64_t elapsed_us() const;

  std::string kernel_release;
  std::vector<std::string> kernel_features;
  std::string store_device;
  bool read_ahead = false;   // by the profile of the image
  std::string state_device;  // empty: none
  std::string manifest;
  std::string slot;  // empty: named by the command line
  Manifest image;
  std::vector<std::string> signers;
  std::vector<Refusal> refused;
  RootMode root = RootMode::none;
  EtcMode etc = EtcMode::none;
  VarMode var = VarMode::none;
  CorruptionAction corruption = CorruptionAction::report;
  StateOutcome state;
  std::vector<std::string> open_doors;  // the keys of those that the policy opens
  std::vector<TreeMount> mounts;        // of the root

  // One line for people: which image, from where, and how long it took until now.
  [[nodiscard]] std::string summary() const;

  // The whole report as JSON, one object, ending with a line feed.
  [[nodiscard]] std::string json() const;

 private:
  struct StageTime {
    std::string name;
    std::chrono::microseconds end;  // on CLOCK_MONOTONIC
    std::chrono::microseconds duration;
  };
  void record(std::string_view stage);

  std::vector<StageTime> stages_;
  std::chrono::steady_clock::time_point last_;
  std::chrono::steady_clock::time_point start_;
};

// Where the report of the newest verified root lies: the whole as JSON; its mounts alone, a line each as
// mount_record() writes them; the device of its state alone, no file where there is none; and name() of what
// the policy has done about an object that is missing or another, no file where it is but reported.
inline constexpr auto report_directory = "/run/composefs-root";
inline constexpr auto report_name = "boot.json";
inline constexpr auto mount_record_name = "mounts";
inline constexpr std::size_t mount_record_max_bytes = 64UL * 1024;
inline constexpr auto state_device_name = "state-device";
inline constexpr auto corruption_action_name = "corruption-action";
// What the check of the running system found, a line for people; not there until it has ended.
inline constexpr auto object_check_name = "object-check";

// Writes these files below `directory`, which is made if it is not there, each complete or not at all, in
// place of older ones, and removes what was found of an older root. Code::io_error.
[[nodiscard]] Result<> write_report(const Report& report, const std::string& directory = report_directory);

// `text` as a JSON string (RFC 8259), quotes included. Bytes that are not printable ASCII are written as
// \u00NN.
[[nodiscard]] std::string json_quote(std::string_view text);

}  // namespace cfs
