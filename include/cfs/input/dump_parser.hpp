// SPDX-License-Identifier: Apache-2.0
// Trees from text: the dump format of composefs (composefs-dump(5)), one line an entry,
// PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT DIGEST [KEY=VALUE…]
//
// It is taken as mkcomposefs --from-file takes it, so that the same dump gives the same image, with two
// differences: what mkcomposefs misreads in silence (numbers that do not fit, digests that are none) is
// refused, and a digest of 128 digits is one of SHA-512.
#pragma once

#include <string>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

// Code::unsupported_input, with the number of the line, for anything that is not such text or cannot be in an
// image.
[[nodiscard]] Result<FileTree> parse_dump(std::string_view text);

// The same for a file that the user names, or standard input ("-"). Code::not_found, Code::io_error too.
[[nodiscard]] Result<FileTree> load_dump(const std::string& path);

}  // namespace cfs
