// SPDX-License-Identifier: Apache-2.0
// A tree from entries that come one by one with their paths, as archives have them, and from several archives
// that lie over each other: the layers of a container image (image-spec, layer.md, of the Open Container
// Initiative).
//
// Directories that have no entry of their own, the root too, belong to root with mode 0755 and time 0.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"
#include "cfs/input/filter.hpp"

namespace cfs {

// The name of an archive's entry as a path from the root: "./usr//lib/" is "usr/lib", and "./" is "".
// Code::archive_malformed for an empty or absolute name and for one with "..", Code::unsupported_input for a
// part of more than 255 bytes or more than 4095 bytes in all.
[[nodiscard]] Result<std::string> entry_path(std::string_view name);

// Takes paths as entry_path() gives them. Whatever is excluded is as if it were never given.
class TreeBuilder {
 public:
  explicit TreeBuilder(const Exclusions* exclude = nullptr);

  // What is added from now on lies over what is there.
  void begin_layer() { ++layer_; }

  // Makes a new entry, whose inode (with nothing but its type) the caller completes; none if it is excluded.
  // It replaces what a lower layer has there; a directory keeps what is in it, when the new one is a
  // directory too. Code::archive_malformed when this layer had that path already, or when the path leads
  // through something that is not a directory.
  [[nodiscard]] Result<Inode*> add(std::string_view path, mode_t type);

  // Makes `path` a copy of what is at `target`: as in a scanned directory, each hard link is a file of its
  // own. As add(); and Code::archive_malformed if the target is not there or a directory,
  // Code::unsupported_input if only the target is excluded.
  [[nodiscard]] Result<> link(std::string_view path, std::string_view target);

  // Hides what lower layers have at `path`, in whatever order this layer's own entries come.
  // Code::archive_malformed as for add().
  [[nodiscard]] Result<> hide(std::string_view path);

  // Hides all that lower layers have in the directory, likewise.
  [[nodiscard]] Result<> hide_contents(std::string_view directory);

  // To be called before the inode is completed.
  [[nodiscard]] FileTree& xattrs() noexcept { return tree_; }

  [[nodiscard]] FileTree finish() &&;

 private:
  using NodeId = std::uint32_t;
  struct Node {
    Inode inode;
    std::map<std::string, NodeId, std::less<>> entries;
    unsigned layer = 0;    // whose entry this is; 0: only implied by others
    unsigned touched = 0;  // the last one with an entry here or below
  };
  struct Place {
    NodeId parent;
    std::string_view name;
  };

  NodeId append(mode_t type);
  [[nodiscard]] bool is_directory(NodeId node) const { return nodes_[node].inode.is(S_IFDIR); }
  [[nodiscard]] std::optional<NodeId> find(std::string_view path) const;
  [[nodiscard]] bool excluded(std::string_view path) const;
  Result<NodeId> enter(std::string_view directory);
  Result<Place> find_place(std::string_view path);
  void clear_lower(NodeId directory);

  const Exclusions* exclude_;
  unsigned layer_ = 1;
  std::deque<Node> nodes_;  // the root is the first; those that were replaced stay until the end
  FileTree tree_;           // without inodes, until the end
};

}  // namespace cfs
