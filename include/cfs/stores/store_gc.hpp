// SPDX-License-Identifier: Apache-2.0
// Removing from a store what is not needed any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs {

struct GarbageOptions {
  std::vector<std::string> keep;  // names of manifests, besides those that slots hold
  enum class Action { report, remove } action = Action::remove;
};

struct Garbage {
  std::vector<std::string> paths;  // below the store, in the order in which they go
  std::size_t objects = 0;         // among them
  std::uint64_t bytes = 0;         // in all of them
  std::size_t objects_kept = 0;
};

// Keeps the manifests that slots hold or `keep` names, with their signatures, images and the objects of
// these; removes all other manifests, signatures, links of images/, profiles and objects, and temporary files
// of interrupted writers. Waits for writers that are at work (StoreLock), and they for it. What refers goes
// before what is referred to, so that the store is sound whenever this is interrupted.
//
// Removes nothing and fails if something that is to be kept is not there or cannot be read (the codes of
// read_store() and StoreUse::add_image(), Code::manifest_missing, Code::manifest_malformed), and if nothing
// is to be kept (Code::usage). Code::io_error while removing.
[[nodiscard]] Result<Garbage> collect_garbage(const std::string& path, const GarbageOptions& options);

}  // namespace cfs
