// SPDX-License-Identifier: Apache-2.0
// The directories that an overlay writes to.
#pragma once

#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// Makes PLACE/NAME/upper and work, as far as they are missing, for an overlay over `lower`, whose owner, mode
// and labels the upper directory gets: the root of an overlay has those of its upper layer. Returns
// PLACE/NAME.
[[nodiscard]] Result<Fd> make_upper(const Fd& place, const std::string& name, const Fd& lower);

}  // namespace cfs
