// SPDX-License-Identifier: Apache-2.0
// From the tree that people see to the tree that lies below overlayfs, which takes some names and attributes
// for itself (Documentation/filesystems/overlayfs.rst of Linux; the forms are those of mkcomposefs).
#pragma once

#include <cstdint>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"

namespace cfs {

// The version of the format. V1 differs from V0 only in how directories that hold whiteouts are marked.
enum class ImageFormat : std::uint8_t { v0 = 0, v1 = 1 };

// The one that mkcomposefs chooses for this tree: V1 if there is a whiteout, else V0.
[[nodiscard]] ImageFormat usual_format(const FileTree& tree);

// Escapes attributes that overlayfs would take for its own; turns whiteouts into files that it shows as
// whiteouts; hides the names that objects have in the data layer (00 … ff) behind whiteouts; makes the root
// opaque.
void make_overlay_tree(FileTree& tree, ImageFormat format);

// The way back, for a tree read from an image of this format without its stubs (00 … ff) and the attributes
// of external files. Where nothing tells a hidden whiteout from a file that only looks like one, it is a
// whiteout. Code::image_malformed for attributes that overlayfs would take for its own.
[[nodiscard]] Result<> undo_overlay_tree(FileTree& tree, unsigned format);

}  // namespace cfs
