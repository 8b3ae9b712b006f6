// SPDX-License-Identifier: Apache-2.0
// Trees of small files, the same bytes, names and times wherever they are made.
#pragma once

#include <span>
#include <string>

#include "cfs/base/result.hpp"

namespace cfs::bench {

// Makes trees with these numbers of files, from the largest to the smallest, each a multiple of 500. They are
// nested, so that their files exist once: DIRECTORY/500000/100000 has 100,000 files and is a part of
// DIRECTORY/500000, which has 400,000 more. Files have 0 to 4,000 bytes. Code::io_error.
[[nodiscard]] Result<> make_trees(std::string directory, std::span<const unsigned> sizes);

}  // namespace cfs::bench
