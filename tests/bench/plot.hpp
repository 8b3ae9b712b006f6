// SPDX-License-Identifier: Apache-2.0
// A plot of time against the number of files.
#pragma once

#include <string>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs::bench {

struct Point {
  double files = 0;
  double seconds = 0;
};

struct Series {
  std::string name;
  std::vector<Point> points;  // by ascending number of files
};

// An SVG with linear axes that begin at 0, one line a series, and a legend.
[[nodiscard]] std::string plot(const std::vector<Series>& series);

// Writes it to a file. Code::io_error, Code::not_found.
[[nodiscard]] Result<> write_plot(const std::vector<Series>& series, const std::string& path);

}  // namespace cfs::bench
