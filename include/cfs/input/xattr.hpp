// SPDX-License-Identifier: Apache-2.0
// The extended attributes of an open file, as the caller may see them.
#pragma once

#include <span>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

// What one file may carry in an image, counted as mkcomposefs counts it: 12 bytes once, and for each
// attribute 7 and its name and value.
inline constexpr std::size_t xattr_limit = 32767;

// Code::unsupported_input past that limit.
[[nodiscard]] Result<> check_xattr_limit(std::span<const Xattr> xattrs);

// In the order in which the kernel lists them. A descriptor opened with O_PATH will do (needs /proc then).
// None if the file system has no attributes. Code::unsupported_input past the limit;
// Code::input_changed when they change meanwhile; Code::io_error.
[[nodiscard]] Result<std::vector<Xattr>> read_xattrs(const Fd& file);

}  // namespace cfs
