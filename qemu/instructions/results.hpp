// SPDX-License-Identifier: Apache-2.0
// What the boots of a bench cost, shown and kept.
#pragma once

#include <string>
#include <vector>

#include "bench.hpp"

namespace cfs::instructions {

struct Results {
  std::string qemu_version;
  std::string cpu;
  std::string kernel_entry;
  std::vector<Measured> contenders;
};

// How the figures come about and what they mean, for people.
[[nodiscard]] std::string conditions(const Results& results);

// Instructions since kernel-entry when each stage ends: median and spread (largest less smallest), in
// millions. A stage that no contender has is left out, as in the next.
[[nodiscard]] std::string stage_table(const Results& results);

// What the disk was asked for until each stage ends: requests, and megabytes.
[[nodiscard]] std::string read_table(const Results& results);

// Seconds of the timed boots, and how they compare with the floor, the contender "e".
[[nodiscard]] std::string time_table(const Results& results);

enum class Figure : std::uint8_t { instructions, read_requests, read_bytes };

// The parts of a boot that people ask for, those that any contender has: median, spread, and how that
// compares with the first contender that has it. Instructions and bytes are in millions.
[[nodiscard]] std::string part_table(const Results& results, Figure figure);

// Everything, each run's figures included.
[[nodiscard]] std::string json(const Results& results);

// An SVG with a bar for each contender, divided by stages.
[[nodiscard]] std::string chart(const Results& results);

}  // namespace cfs::instructions
