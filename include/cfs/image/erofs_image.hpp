// SPDX-License-Identifier: Apache-2.0
// The metadata image: a directory tree as an EROFS file system whose files' contents lie in the object store,
// byte for byte what mkcomposefs writes for the same tree. (EROFS on disk: fs/erofs/erofs_fs.h of Linux.)
#pragma once

#include <optional>
#include <string>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"
#include "cfs/image/overlay_tree.hpp"

namespace cfs {

// The whole image, in this format or, without one, in usual_format(). Memory: the tree's and the image's.
// Code::unsupported_input for what an image cannot hold: names over 255 bytes, a file over 8 PiB, inline
// contents or a link target over 4095 bytes, a directory with two names, too many attributes on a file.
[[nodiscard]] Result<std::string> erofs_image(FileTree tree,
                                              std::optional<ImageFormat> format = std::nullopt);

}  // namespace cfs
