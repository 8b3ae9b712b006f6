// SPDX-License-Identifier: Apache-2.0
// What programs cost: time, processor time and memory, as the kernel accounts for them.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "workspace.hpp"

namespace cfs::bench {

using Command = std::vector<std::string>;  // a program found by PATH, and its arguments

struct Cost {
  double wall = 0;    // seconds
  double user = 0;    // seconds of processor time
  double system = 0;  // the same, in the kernel
  double peak = 0;    // largest resident set, in MiB
  double flush = 0;   // seconds to bring to the device what was still only in memory afterwards
};

// What one side does in a comparison: commands, one after the other.
struct Contender {
  std::string name;
  std::vector<Command> prepare;  // not measured
  std::vector<Command> commands;
};

struct Measured {
  std::string name;
  std::vector<Cost> runs;  // in the order of the runs
};

struct Range {
  double minimum = 0;
  double median = 0;
  double maximum = 0;
};

// Of at least one run: range(measured, &Cost::wall).
[[nodiscard]] Range range(const Measured& measured, const std::function<double(const Cost&)>& figure);

// In all, user and kernel.
[[nodiscard]] double processor_time(const Cost& cost);

// Lets this process and all that it starts run on `count` processors, or on all if there are fewer.
[[nodiscard]] Result<> use_processors(unsigned count);

// The name of the file system that each run has for itself.
inline constexpr auto run_file_system = "run";

// Runs the contenders alternately, `runs` times each, every second time in reverse order, so that none is
// always the first; each with a fresh file system, flushed after the preparation. No cache is dropped.
// Fails if a command fails, and unless the last commands of all print the same (but for the "sha256:" before
// a digest).
[[nodiscard]] Result<std::vector<Measured>> compare(const std::vector<Contender>& contenders, unsigned runs,
                                                    const Workspace& workspace);

// Runs a command and returns its standard output. Fails with what it said if it fails.
[[nodiscard]] Result<std::string> run(const Command& command);

}  // namespace cfs::bench
