// From the tree that people see to the tree that lies below overlayfs, which takes some names and attributes
// for itself (Documentation/filesystems/overlayfs.rst of Linux; the forms are those of mkcomposefs).
#pragma once

#include <cstdint>

#include "cfs/file_tree.hpp"

namespace cfs {

// The version of the format. V1 differs from V0 only in how directories that hold whiteouts are marked.
enum class ImageFormat : std::uint8_t { v0 = 0, v1 = 1 };

// The lowest format, from `at_least` on, that can hold this tree: a whiteout raises it to V1.
[[nodiscard]] ImageFormat needed_format(const FileTree& tree, ImageFormat at_least);

// Escapes attributes that overlayfs would take for its own; turns whiteouts into files that it shows as
// whiteouts; hides the names that objects have in the data layer (00 … ff) behind whiteouts; makes the root
// opaque.
void make_overlay_tree(FileTree& tree, ImageFormat format);

}  // namespace cfs
