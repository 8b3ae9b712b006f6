// SPDX-License-Identifier: Apache-2.0
// What a manifest calls complete (boot.complete), on the build host: which places, and whether a store has
// all that they need. A device asks the same of its kernel (cfs/store/completeness.hpp).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

// Those places of a usual system that decide what runs and which protections apply, as far as the tree has
// them, and those of the programs `init` (absolute paths; symbolic links are followed) that lie elsewhere.
[[nodiscard]] std::vector<std::string> usual_complete_places(const FileTree& tree,
                                                             std::span<const std::string> init);

// Whether each place (is_image_path()) is a directory or a regular file of the tree that no symbolic link
// leads to. Code::manifest_malformed, as a device would refuse it.
[[nodiscard]] Result<> check_complete_places(const FileTree& tree, std::span<const std::string> places);

// The same, and that the store (its directory) has each object of the files there, with the contents that its
// name promises, which are hashed. Code::object_missing, Code::object_damaged, Code::path_refused,
// Code::verity_missing for a file without a digest, Code::io_error; each with the path of the first such
// file.
[[nodiscard]] Result<> check_complete_objects(const FileTree& tree, std::span<const std::string> places,
                                              const Fd& store);

}  // namespace cfs
