// SPDX-License-Identifier: Apache-2.0
// The mounts of a tree: as the kernel lists them, as a boot records them, and whether the two agree.
//
// Text from and for proc_pid_mountinfo(5): blanks and backslashes in paths stay escaped there as \040 and so
// on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs {

inline constexpr auto mount_table_file = "/proc/self/mountinfo";
inline constexpr std::size_t mount_table_max_bytes = 1024UL * 1024;

struct TreeMount {
  std::uint64_t id = 0;  // the kernel's, for this mount of it
  std::string device;    // "MAJOR:MINOR" of the file system
  std::string root;      // what of the file system is mounted: "/" for all of it
  std::string path;      // where in the tree: "/" for the tree itself
};

// The mounts at `directory` (absolute, escaped as in the text) and below it, in the order of the text.
// Code::io_error when the text is not a mount table.
[[nodiscard]] Result<std::vector<TreeMount>> mounts_of_tree(std::string_view mountinfo,
                                                            std::string_view directory);

// "MAJOR:MINOR ROOT PATH", a line a mount.
[[nodiscard]] std::string mount_record(const std::vector<TreeMount>& mounts);

// Whether a tree is mounted at `directory`, by the mounts of the record, none more, none less, none over
// another, and nothing hides it: `mount_id` is the mount that the path leads to. Code::root_replaced, naming
// the first difference; Code::io_error.
[[nodiscard]] Result<> check_mounts(std::string_view mountinfo, std::string_view directory,
                                    std::uint64_t mount_id, std::string_view record);

}  // namespace cfs
