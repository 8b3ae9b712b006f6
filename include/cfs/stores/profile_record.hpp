// SPDX-License-Identifier: Apache-2.0
// What a boot has read of a store, found in what the page cache of the running system still holds.
#pragma once

#include "cfs/base/result.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/stores/store_contents.hpp"

namespace cfs {

// The profile of `image`: of each object of the store the blocks that are in memory, where gaps of a few
// blocks count as read, for a request more takes longer than they do. Nobody remembers what was read first:
// what an `earlier` profile of the same boot names comes first, in its order; then, in order of digest, what
// was read since. The image itself is the first of all. Needs the right to write to the objects, or to own
// them (mincore(2)). Code::io_error, Code::path_refused, Code::profile_malformed (the earlier profile is
// another image's).
[[nodiscard]] Result<BootProfile> record_profile(const StoreContents& store, const Digest& image,
                                                 const BootProfile* earlier);

}  // namespace cfs
