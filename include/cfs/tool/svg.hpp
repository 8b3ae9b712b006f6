// SPDX-License-Identifier: Apache-2.0
// What the charts of this project, which are SVG, have in common.
#pragma once

#include <string>

namespace cfs {

// Text by the format of printf(3), of any length. Numbers need the locale "C", which a program has that does
// not ask for another.
[[nodiscard, gnu::format(printf, 1, 2)]] std::string format(const char* text, ...);

// The distance between the lines of a grid: 1, 2 or 5 times a power of ten, so that `span` (above 0) has at
// most, and about, `steps` of them.
[[nodiscard]] double grid_step(double span, double steps);

}  // namespace cfs
