// SPDX-License-Identifier: Apache-2.0
// The way back from a metadata image to the tree it was made from. (EROFS on disk: fs/erofs/erofs_fs.h of
// Linux; what composefs uses of it, and adds: cfs/image/erofs_format.hpp, cfs/image/overlay_tree.hpp.)
//
// The image is hostile: no offset, count, size or name in it is trusted, time and memory grow with the
// image's size whatever it says, and nothing is read that the kernel would read as something else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

inline constexpr std::uint64_t image_max_bytes = 4ULL << 30;

struct ImageContents {
  FileTree tree;        // as people see it: without what make_overlay_tree() adds
  unsigned format = 0;  // 0 and 1 as ImageFormat; 2: as older versions of composefs-rs write
};

// What erofs_image() makes of the tree in the same format (0 or 1) is again the image, if that is how this
// project or mkcomposefs wrote it. Code::image_malformed, with the path of the file that is wrong.
[[nodiscard]] Result<ImageContents> read_image(std::string_view image);

// The same for a file that the user names. Code::not_found, Code::io_error too; Code::path_refused past 4
// GiB.
struct ImageFile {
  ImageContents contents;
  Digest digest;  // of the image, with the algorithm of its files' digests; sha256 where they have none
  std::uint64_t size = 0;
};
[[nodiscard]] Result<ImageFile> load_image(const std::string& path);

}  // namespace cfs
