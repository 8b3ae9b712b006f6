// SPDX-License-Identifier: Apache-2.0
// Trees to text: dumps as cfs/input/dump_parser.hpp reads them.
#pragma once

#include <functional>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

// Takes the next part of a text; what it returns on failure ends the writing.
using TextSink = std::function<Result<>(std::string_view text)>;

// Directories before what they hold, in the order of names; a file with several names has its first as a
// file, the others as hard links. parse_dump() gives the same tree again.
[[nodiscard]] Result<> write_dump(const FileTree& tree, const TextSink& sink);

}  // namespace cfs
