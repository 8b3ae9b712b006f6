// SPDX-License-Identifier: Apache-2.0
// Reading ahead what a boot is known to read, while the boot goes on.
#pragma once

#include <string>

#include "cfs/base/digest.hpp"
#include "cfs/store/store.hpp"

namespace cfs {

// Has a process of its own read into the page cache what the store's profile of `image` names: the objects'
// directories, through the store's block device `device`, and the blocks of objects, as many as a quarter of
// the memory holds. It opens nothing but objects by their digests, as Store does, and gives no data to
// anyone: fs-verity checks each page that comes in, as for any other reader. It holds on to the store only,
// ends after a minute at most, and whatever goes wrong in it is no failure of the boot; a profile that is
// malformed is named in the kernel log.
//
// True if there is a profile, and the process was started; it need not have read anything yet.
[[nodiscard]] bool start_read_ahead(const Store& store, const Digest& image, const std::string& device);

}  // namespace cfs
