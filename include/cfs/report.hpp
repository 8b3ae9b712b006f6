// What a boot did, for /run/composefs-root/boot.json.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/candidates.hpp"
#include "cfs/manifest.hpp"

namespace cfs {

class Report {
 public:
  // Timing begins now.
  Report() : last_(std::chrono::steady_clock::now()), start_(last_) {}

  // Ends the stage that began when the one before ended, or at construction.
  void end_stage(std::string_view stage);

  // CLOCK_MONOTONIC microseconds since construction.
  [[nodiscard]] std::int64_t elapsed_us() const;

  std::string kernel_release;
  std::vector<std::string> kernel_features;
  std::string store_device;
  std::string state_device;  // empty: none
  std::string manifest;
  std::string slot;  // empty: named by the command line
  Manifest image;
  std::vector<std::string> signers;
  std::vector<Refusal> refused;
  EtcMode etc = EtcMode::none;
  VarMode var = VarMode::none;
  std::string machine_id;  // what became of it: "kept", "created", "unmanaged"

  // The whole report as JSON, one object, ending with a line feed.
  [[nodiscard]] std::string json() const;

 private:
  struct Stage {
    std::string name;
    std::chrono::microseconds end;  // on CLOCK_MONOTONIC
    std::chrono::microseconds duration;
  };
  std::vector<Stage> stages_;
  std::chrono::steady_clock::time_point last_;
  std::chrono::steady_clock::time_point start_;
};

// `text` as a JSON string (RFC 8259), quotes included. Bytes that are not printable ASCII are written as
// \u00NN.
[[nodiscard]] std::string json_quote(std::string_view text);

}  // namespace cfs
