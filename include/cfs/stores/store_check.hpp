// SPDX-License-Identifier: Apache-2.0
// Whether a store is sound: every object is what its name says, and every image has all that it needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/stores/store_contents.hpp"

namespace cfs {

class Progress;

struct StoreReport {
  std::size_t objects = 0;  // images among them
  std::uint64_t bytes = 0;
  std::size_t images = 0;   // that a manifest or images/ names
  std::size_t orphans = 0;  // objects that none of these images needs: no problem
  std::uint64_t orphan_bytes = 0;
  std::vector<std::string> leftovers;  // temporary files, as StoreContents has them: no problem
  std::vector<Error> problems;         // none: the store is sound
};

// Reads all of the store `path`, which nobody removes from meanwhile. Problems are those of read_store(),
// check_objects() and StoreUse::add_image(), manifests that are malformed, and slots whose manifest or its
// signature file is not there. Fails only if there is no store, or it cannot be locked.
[[nodiscard]] Result<StoreReport> check_store(const std::string& path, Progress& progress);

// Hashes the object at this path ("objects/ab/cdef…") of the store directory, and counts what it reads:
// Code::object_missing, Code::object_damaged, Code::path_refused, Code::io_error.
[[nodiscard]] Result<> check_object(const Fd& store, const std::string& path, const Digest& digest,
                                    Progress* progress = nullptr);

// Hashes every object, on two threads: what the kernel does on first use. Returns what is wrong, in the order
// of paths: errors of check_object().
[[nodiscard]] std::vector<Error> check_objects(const StoreContents& contents, Progress& progress);

}  // namespace cfs
