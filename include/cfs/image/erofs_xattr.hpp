// SPDX-License-Identifier: Apache-2.0
// Extended attributes in an EROFS image: beside their inode, or once for all inodes that carry the same.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/image/file_tree.hpp"

namespace cfs::erofs {

struct XattrView {
  std::string_view name;
  std::string_view value;
};

// Attributes by which overlayfs finds the contents of a file in the data layer.
inline constexpr std::string_view metacopy_name = "trusted.overlay.metacopy";
inline constexpr std::string_view redirect_name = "trusted.overlay.redirect";

// The name that an image has as the number of a prefix and the rest; nullopt if the name is empty or an image
// would have it in another way.
[[nodiscard]] std::optional<std::string> full_name(std::uint8_t index, std::string_view rest);

// What one inode carries in the image, sorted by name: its own attributes, and for an external file those
// that lead overlayfs to the object (trusted.overlay.metacopy, trusted.overlay.redirect). Views into the
// inode and into this object, which serves one inode after the other.
class InodeXattrs {
 public:
  std::span<const XattrView> of(const Inode& inode);

 private:
  std::string metacopy_;
  std::string redirect_;
  std::vector<XattrView> views_;
};

// The attributes that more than one inode carries, each with its place in the shared area.
class SharedXattrs {
 public:
  explicit SharedXattrs(const FileTree& tree);

  // Of those an inode carries, at most this many refer to the shared area.
  static constexpr std::size_t max_per_inode = 128;

  // In bytes from the start of the shared area; nullopt if it is not shared.
  [[nodiscard]] std::optional<std::uint32_t> offset(const XattrView& xattr) const;
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  // By name, then length of the value, then value, all descending: the order in the image.
  struct Order {
    using is_transparent = void;
    static bool before(const XattrView& a, const XattrView& b) noexcept;
    bool operator()(const Xattr& a, const Xattr& b) const noexcept;
    bool operator()(const Xattr& a, const XattrView& b) const noexcept;
    bool operator()(const XattrView& a, const Xattr& b) const noexcept;
  };

  std::map<Xattr, std::uint32_t, Order> offsets_;
  std::string bytes_;
};

// Whether one inode can carry these: names of at most 255 bytes behind their prefix, 65535 bytes in all.
[[nodiscard]] bool xattrs_fit(std::span<const XattrView> xattrs);

// The attributes of one inode as they follow it: how many bytes (0 without any), and the bytes; shared ones
// are references into a shared area that begins at `shared_start`.
[[nodiscard]] std::uint64_t xattrs_size(std::span<const XattrView> xattrs, const SharedXattrs& shared);
void append_xattrs(std::string& out, std::span<const XattrView> xattrs, const SharedXattrs& shared,
                   std::uint64_t shared_start);

}  // namespace cfs::erofs
