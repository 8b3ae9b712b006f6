// SPDX-License-Identifier: Apache-2.0
// What a benchmark found: shown while it runs, and kept in a file for scripts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "measure.hpp"

namespace cfs::bench {

struct Comparison {
  std::string name;             // unique: "digest only, Debian root"
  std::vector<Measured> sides;  // ours first
};

struct Target {
  enum class Kind : std::uint8_t { at_least, at_most };
  std::string what;
  double value = 0;
  Kind kind = Kind::at_least;
  double limit = 0;

  [[nodiscard]] bool met() const noexcept { return kind == Kind::at_least ? value >= limit : value <= limit; }
};

struct Report {
  std::vector<Comparison> comparisons;
  std::vector<Target> targets;
};

// How the figures come about and what they mean, before the first table.
void print_conditions();

// The table of one comparison: minimum, median and maximum of each side, and the ratios of the medians.
void print(const Comparison& comparison);

// Each target with its value, "met" or "missed".
void print(const std::vector<Target>& targets);

// Everything, each run's figures included. Code::io_error, Code::not_found.
[[nodiscard]] Result<> write_json(const Report& report, const std::string& path);

}  // namespace cfs::bench
