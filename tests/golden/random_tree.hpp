// SPDX-License-Identifier: Apache-2.0
// Trees that hold everything a file system can, chosen by a seed.
#pragma once

#include <cstdint>
#include <filesystem>

namespace cfs::test {

// Fills the empty directory `root`, and sets all that an image keeps of it: the same tree for the same seed,
// on every run. It has about 5 to 80 entries, and in one tree of sixteen a directory of several blocks. Every
// third seed gives whiteouts too, which change the image's version. Extended attributes and times are such
// as ext4 with 256-byte inodes keeps. Needs root. Throws std::system_error.
void make_random_tree(const std::filesystem::path& root, std::uint64_t seed);

}  // namespace cfs::test
