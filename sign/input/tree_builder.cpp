// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/tree_builder.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t name_max = 255;
constexpr std::size_t path_max = 4095;

// "usr" of "usr/lib/x", and leaves "lib/x".
std::string_view take_part(std::string_view& path) {
  const std::string_view part = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(path.size(), part.size() + 1));
  return part;
}

// What an archive leaves unsaid about a directory.
Inode implied_directory() {
  Inode inode;
  inode.mode = S_IFDIR | 0755;
  return inode;
}

}  // namespace

Result<std::string> entry_path(std::string_view name) {
  if (name.empty()) {
    return fail(Code::archive_malformed, "an entry without a name");
  }
  if (name.starts_with('/')) {
    return fail(Code::archive_malformed, cat("the name ", printable(name), " is absolute"));
  }
  std::string path;
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view part = take_part(rest);
    if (part == "..") {
      return fail(Code::archive_malformed, cat("the name ", printable(name), " has \"..\" in it"));
    }
    if (part.size() > name_max) {
      return fail(Code::unsupported_input, cat("the name ", printable(part), " has more than 255 bytes"));
    }
    if (!part.empty() && part != ".") {
      path += cat(path.empty() ? "" : "/", part);
    }
  }
  if (path.size() > path_max) {
    return fail(Code::unsupported_input, cat("the path ", printable(path), " has more than 4095 bytes"));
  }
  return path;
}

TreeBuilder::TreeBuilder(const Exclusions* exclude) : exclude_(exclude) {
  nodes_.emplace_back().inode = implied_directory();
}

TreeBuilder::NodeId TreeBuilder::append(mode_t type) {
  nodes_.emplace_back().inode.mode = type;
  return static_cast<NodeId>(nodes_.size() - 1);
}

std::optional<TreeBuilder::NodeId> TreeBuilder::find(std::string_view path) const {
  NodeId node = 0;
  while (!path.empty()) {
    const auto entry = nodes_[node].entries.find(take_part(path));
    if (entry == nodes_[node].entries.end()) {
      return std::nullopt;
    }
    node = entry->second;
  }
  return node;
}

bool TreeBuilder::excluded(std::string_view path) const {
  if (exclude_ == nullptr || path.empty()) {
    return false;
  }
  for (std::size_t end = path.find('/'); end != std::string_view::npos; end = path.find('/', end + 1)) {
    if (exclude_->match(std::string(path.substr(0, end)))) {
      return true;
    }
  }
  return exclude_->match(std::string(path));
}

// The node of a directory, which is made, with those above it, where it is missing.
Result<TreeBuilder::NodeId> TreeBuilder::enter(std::string_view directory) {
  NodeId node = 0;
  nodes_[node].touched = layer_;
  for (std::string_view rest = directory; !rest.empty();) {
    const std::string_view part = take_part(rest);
    auto& entries = nodes_[node].entries;
    auto entry = entries.find(part);
    if (entry == entries.end()) {
      const NodeId made = append(S_IFDIR);
      nodes_[made].inode = implied_directory();
      entry = entries.emplace(part, made).first;
    }
    node = entry->second;
    if (!is_directory(node)) {
      const auto length = static_cast<std::size_t>(part.data() + part.size() - directory.data());
      return fail(Code::archive_malformed, cat("it lies below ", printable(directory.substr(0, length)),
                                               ", which is not a directory"));
    }
    nodes_[node].touched = layer_;
  }
  return node;
}

Result<TreeBuilder::Place> TreeBuilder::find_place(std::string_view path) {
  const auto slash = path.rfind('/');
  const bool on_top = slash == std::string_view::npos;
  const NodeId parent = CFS_TRY(enter(on_top ? std::string_view() : path.substr(0, slash)));
  return Place{parent, on_top ? path : path.substr(slash + 1)};
}

Result<Inode*> TreeBuilder::add(std::string_view path, mode_t type) {
  if (excluded(path)) {
    return nullptr;
  }
  NodeId node = 0;
  if (path.empty()) {
    if (type != S_IFDIR) {
      return fail(Code::archive_malformed, "the root is not a directory");
    }
  } else {
    const Place place = CFS_TRY(find_place(path));
    auto& entries = nodes_[place.parent].entries;
    const auto old = entries.find(place.name);
    if (old != entries.end() && type == S_IFDIR && is_directory(old->second)) {
      node = old->second;
    } else if (old != entries.end() && nodes_[old->second].touched == layer_) {
      return fail(Code::archive_malformed, "it is there twice");
    } else {
      node = append(type);
      entries.insert_or_assign(std::string(place.name), node);
    }
  }
  if (nodes_[node].layer == layer_) {
    return fail(Code::archive_malformed, "it is there twice");
  }
  nodes_[node].layer = layer_;
  nodes_[node].touched = layer_;
  Inode& inode = nodes_[node].inode;
  inode = Inode();
  inode.mode = type;
  return &inode;
}

Result<> TreeBuilder::link(std::string_view path, std::string_view target) {
  if (excluded(path)) {
    return {};
  }
  if (excluded(target)) {
    return fail(Code::unsupported_input,
                cat("a hard link to ", printable(target), ", which is excluded: exclude both or neither"));
  }
  const auto node = find(target);
  if (!node || is_directory(*node)) {
    return fail(Code::archive_malformed,
                cat("a hard link to ", printable(target), ", which is ", node ? "a directory" : "not there"));
  }
  const Inode inode = nodes_[*node].inode;
  if (Inode* copy = CFS_TRY(add(path, inode.mode & S_IFMT)); copy != nullptr) {
    *copy = inode;
  }
  return {};
}

Result<> TreeBuilder::hide(std::string_view path) {
  if (excluded(path)) {
    return {};
  }
  const Place place = CFS_TRY(find_place(path));
  auto& entries = nodes_[place.parent].entries;
  const auto entry = entries.find(place.name);
  if (entry == entries.end()) {
    return {};
  }
  Node& node = nodes_[entry->second];
  if (node.touched != layer_) {
    entries.erase(entry);
    return {};
  }
  if (node.layer != layer_) {
    node.inode = implied_directory();
  }
  clear_lower(entry->second);
  return {};
}

Result<> TreeBuilder::hide_contents(std::string_view directory) {
  if (!excluded(directory)) {
    clear_lower(CFS_TRY(enter(directory)));
  }
  return {};
}

void TreeBuilder::clear_lower(NodeId directory) {
  std::vector<NodeId> waiting{directory};
  while (!waiting.empty()) {
    auto& entries = nodes_[waiting.back()].entries;
    waiting.pop_back();
    std::erase_if(entries, [this](const auto& entry) { return nodes_[entry.second].touched != layer_; });
    for (const auto& [name, child] : entries) {
      if (nodes_[child].layer != layer_) {
        nodes_[child].inode = implied_directory();
      }
      waiting.push_back(child);
    }
  }
}

FileTree TreeBuilder::finish() && {
  std::deque<NodeId> waiting{0};
  tree_.inodes.push_back(std::move(nodes_.front().inode));
  // The inode of a node gets its number when its name is listed: the order is that of `waiting`.
  for (InodeId id = 0; !waiting.empty(); ++id) {
    const Node& node = nodes_[waiting.front()];
    waiting.pop_front();
    if (!tree_.inodes[id].is(S_IFDIR)) {
      continue;
    }
    Directory directory;
    directory.reserve(node.entries.size());
    for (const auto& [name, child] : node.entries) {
      directory.push_back({name, static_cast<InodeId>(tree_.inodes.size())});
      tree_.inodes.push_back(std::move(nodes_[child].inode));
      waiting.push_back(child);
    }
    tree_.inodes[id].content = std::move(directory);
  }
  return std::move(tree_);
}

}  // namespace cfs
