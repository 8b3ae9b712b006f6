// SPDX-License-Identifier: Apache-2.0
// How much there is to read, for people who wait: counted beside the reading, and never relied on.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "cfs/tool/progress.hpp"

namespace cfs {

class Exclusions;

// Counts the regular files that scan() will read below `root`. What cannot be read counts nothing, and scan()
// will tell of it. nullopt when it was stopped.
[[nodiscard]] std::optional<Work> count_input(const std::string& root, const Exclusions& exclude,
                                              const std::stop_token& stop);

}  // namespace cfs
