// SPDX-License-Identifier: Apache-2.0
// mkcomposefs, from Debian testing, as the judge of what cfs-sign compose makes.
#pragma once

#include <filesystem>

namespace cfs::test {

// Expects that both make the same bytes of this tree, in format V0, in V1, and in the one that they choose by
// themselves; and that what inspect prints of each gives the same image again. `scratch` is a directory with
// room for a store.
void expect_equal_images(const std::filesystem::path& tree,
                         const std::filesystem::path& scratch = std::filesystem::temp_directory_path());

}  // namespace cfs::test
