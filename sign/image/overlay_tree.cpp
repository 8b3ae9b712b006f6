// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/overlay_tree.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view overlay_prefix = "trusted.overlay.";
constexpr std::string_view escaped_prefix = "trusted.overlay.overlay.";

// Both sets of names under which overlayfs looks for its attributes inside a mount of itself: escaped ones,
// and those of the mount option userxattr.
constexpr std::array<std::string_view, 2> nested_prefixes{escaped_prefix, "user.overlay."};

void set_nested(FileTree& tree, Inode& inode, std::string_view name, std::string_view value) {
  for (const std::string_view prefix : nested_prefixes) {
    set_xattr(tree, inode, cat(prefix, name), value);
  }
}

// All at once, so that an escaped name never meets one that is still to be escaped.
void escape_xattrs(FileTree& tree, Inode& inode) {
  for (const Xattr*& xattr : inode.xattrs) {
    if (xattr->name.starts_with(overlay_prefix)) {
      xattr = tree.intern(cat(escaped_prefix, xattr->name.substr(overlay_prefix.size())), xattr->value);
    }
  }
}

void hide_whiteouts(FileTree& tree, Inode& directory, ImageFormat format) {
  bool any = false;
  for (const DirectoryEntry& entry : std::get<Directory>(directory.content)) {
    Inode& child = tree.inodes[entry.inode];
    if (child.is_whiteout()) {
      child.mode = S_IFREG | (child.mode & ~static_cast<mode_t>(S_IFMT));
      set_nested(tree, child, "whiteout", "");
      any = true;
    }
  }
  if (any) {
    set_nested(tree, directory, "whiteouts", "");
    if (format >= ImageFormat::v1) {
      set_nested(tree, directory, "opaque", "x");
    }
  }
}

// The data layer is a lower layer as a whole: without these, its directories would show in the root.
void cover_object_directories(FileTree& tree) {
  Inode stub;
  {
    const Inode& root = tree.inodes.front();
    stub.mode = S_IFCHR | 0644;
    stub.uid = root.uid;
    stub.gid = root.gid;
    stub.mtime_sec = root.mtime_sec;
    stub.mtime_nsec = root.mtime_nsec;
    std::ranges::copy_if(root.xattrs, std::back_inserter(stub.xattrs),
                         [](const Xattr* xattr) { return xattr->name == "security.selinux"; });
  }
  auto& entries = std::get<Directory>(tree.inodes.front().content);
  for (unsigned i = 0; i < 256; ++i) {
    const auto byte = static_cast<unsigned char>(i);
    const std::string name = to_hex({&byte, 1});
    const auto place = std::ranges::lower_bound(entries, name, {}, &DirectoryEntry::name);
    if (place == entries.end() || place->name != name) {
      entries.insert(place, {name, static_cast<InodeId>(tree.inodes.size())});
      tree.inodes.push_back(stub);
    }
  }
}

Result<> unescape_xattrs(FileTree& tree, Inode& inode) {
  for (const Xattr*& xattr : inode.xattrs) {
    if (xattr->name.starts_with(escaped_prefix)) {
      xattr = tree.intern(cat(overlay_prefix, xattr->name.substr(escaped_prefix.size())), xattr->value);
    } else if (xattr->name.starts_with(overlay_prefix)) {
      return fail(Code::image_malformed, cat("a file with the attribute ", printable(xattr->name),
                                             ", which overlayfs would act on"));
    }
  }
  return {};
}

bool has_nested(const Inode& inode, std::string_view name, std::string_view value) {
  return std::ranges::all_of(nested_prefixes, [&](std::string_view prefix) {
    return std::ranges::any_of(inode.xattrs, [&](const Xattr* xattr) {
      return xattr->value == value && xattr->name.starts_with(prefix) &&
             std::string_view(xattr->name).substr(prefix.size()) == name;
    });
  });
}

void remove_nested(Inode& inode, std::string_view name) {
  std::erase_if(inode.xattrs, [&](const Xattr* xattr) {
    return std::ranges::any_of(nested_prefixes, [&](std::string_view prefix) {
      return xattr->name.starts_with(prefix) && std::string_view(xattr->name).substr(prefix.size()) == name;
    });
  });
}

bool is_hidden_whiteout(const Inode& inode) {
  return inode.is(S_IFREG) && std::holds_alternative<std::monostate>(inode.content) &&
         has_nested(inode, "whiteout", "");
}

bool hides_whiteouts(const Inode& inode, unsigned format) {
  return std::holds_alternative<Directory>(inode.content) && has_nested(inode, "whiteouts", "") &&
         (format == 0 || has_nested(inode, "opaque", "x"));
}

}  // namespace

ImageFormat usual_format(const FileTree& tree) {
  return std::ranges::any_of(tree.inodes, &Inode::is_whiteout) ? ImageFormat::v1 : ImageFormat::v0;
}

void make_overlay_tree(FileTree& tree, ImageFormat format) {
  for (Inode& inode : tree.inodes) {
    escape_xattrs(tree, inode);
  }
  for (Inode& inode : tree.inodes) {
    if (std::holds_alternative<Directory>(inode.content)) {
      hide_whiteouts(tree, inode, format);
    }
  }
  set_xattr(tree, tree.inodes.front(), "trusted.overlay.opaque", "y");
  cover_object_directories(tree);
}

Result<> undo_overlay_tree(FileTree& tree, unsigned format) {
  std::erase_if(tree.inodes.front().xattrs, [](const Xattr* xattr) {
    return xattr->name == "trusted.overlay.opaque" && xattr->value == "y";
  });
  for (Inode& directory : tree.inodes) {
    if (!hides_whiteouts(directory, format)) {
      continue;
    }
    bool any = false;
    for (const DirectoryEntry& entry : std::get<Directory>(directory.content)) {
      Inode& child = tree.inodes[entry.inode];
      const bool hidden = is_hidden_whiteout(child);
      if (hidden) {
        child.mode = S_IFCHR | (child.mode & ~static_cast<mode_t>(S_IFMT));
        remove_nested(child, "whiteout");
      }
      any = any || hidden || child.is_whiteout();
    }
    if (any) {
      remove_nested(directory, "whiteouts");
      if (format != 0) {
        remove_nested(directory, "opaque");
      }
    }
  }
  for (Inode& inode : tree.inodes) {
    CFS_TRY(unescape_xattrs(tree, inode));
  }
  return {};
}

}  // namespace cfs
