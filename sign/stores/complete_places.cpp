// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/complete_places.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <set>
#include <string_view>
#include <variant>

#include "cfs/base/text.hpp"
#include "cfs/image/tree_walk.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/stores/store_check.hpp"

namespace cfs {

namespace {

// Configuration, and the programs that systemd brings. Of what is missing anywhere else, somebody complains.
constexpr auto usual_places = std::to_array<std::string_view>({
    "/etc",
    "/lib/systemd",
    "/lib/udev/rules.d",
    "/usr/etc",
    "/usr/lib/binfmt.d",
    "/usr/lib/composefs-root",
    "/usr/lib/environment.d",
    "/usr/lib/modprobe.d",
    "/usr/lib/modules-load.d",
    "/usr/lib/pam.d",
    "/usr/lib/sysctl.d",
    "/usr/lib/systemd",
    "/usr/lib/sysusers.d",
    "/usr/lib/tmpfiles.d",
    "/usr/lib/udev/rules.d",
    "/usr/share/apparmor",
    "/usr/share/dbus-1",
    "/usr/share/pam.d",
    "/usr/share/polkit-1",
    "/usr/share/selinux",
});

constexpr std::size_t most_links = 40;  // that the kernel follows

const DirectoryEntry* find_entry(const Directory& directory, std::string_view name) {
  const auto found = std::ranges::lower_bound(directory, name, {}, &DirectoryEntry::name);
  return found != directory.end() && found->name == name ? &*found : nullptr;
}

// The components of a path, in order, without empty ones and ".".
std::deque<std::string> components(std::string_view path) {
  std::deque<std::string> parts;
  for (const std::string_view part : split(path, '/')) {
    if (!part.empty() && part != ".") {
      parts.emplace_back(part);
    }
  }
  return parts;
}

struct Found {
  InodeId inode = 0;
  std::string path = "/";
};

// What the path names; nullopt if it names nothing. Symbolic links, with `follow`, lead on; otherwise they
// are what is found, or nothing in the middle.
std::optional<Found> find(const FileTree& tree, std::string_view path, bool follow) {
  std::deque<std::string> left = components(path);
  std::vector<Found> above{{}};
  std::size_t links = 0;
  while (!left.empty()) {
    const std::string name = std::move(left.front());
    left.pop_front();
    if (name == "..") {
      if (above.size() > 1) {
        above.pop_back();
      }
      continue;
    }
    const Found& parent = above.back();
    const auto* directory = std::get_if<Directory>(&tree.inodes[parent.inode].content);
    const auto* entry = directory == nullptr ? nullptr : find_entry(*directory, name);
    if (entry == nullptr) {
      return std::nullopt;
    }
    const Inode& inode = tree.inodes[entry->inode];
    if (follow && inode.is(S_IFLNK)) {
      if (++links > most_links) {
        return std::nullopt;
      }
      const auto& target = std::get<std::string>(inode.content);
      if (target.starts_with('/')) {
        above.resize(1);
      }
      const auto parts = components(target);
      left.insert(left.begin(), parts.begin(), parts.end());
      continue;
    }
    above.push_back({entry->inode, cat(parent.path == "/" ? "" : parent.path, '/', name)});
  }
  return above.back();
}

bool is_below(std::string_view path, std::string_view place) {
  return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

Result<InodeId> find_place(const FileTree& tree, const std::string& place) {
  const auto found = find(tree, place, false);
  if (!found) {
    return fail(Code::manifest_malformed,
                cat("boot.complete names ", printable(place),
                    ", which the image does not have, or only through a symbolic link"));
  }
  if (!tree.inodes[found->inode].is(S_IFDIR) && !tree.inodes[found->inode].is(S_IFREG)) {
    return fail(Code::manifest_malformed, cat("boot.complete names ", printable(place),
                                              ", which is neither a directory nor a regular file"));
  }
  return found->inode;
}

}  // namespace

std::vector<std::string> usual_complete_places(const FileTree& tree, std::span<const std::string> init) {
  std::vector<std::string> places;
  for (const std::string_view place : usual_places) {
    const auto found = find(tree, place, false);
    if (found && tree.inodes[found->inode].is(S_IFDIR)) {
      places.emplace_back(place);
    }
  }
  for (const std::string& program : init) {
    const auto found = find(tree, program, true);
    if (found && tree.inodes[found->inode].is(S_IFREG) &&
        std::ranges::none_of(places, [&](const auto& place) { return is_below(found->path, place); })) {
      places.push_back(found->path);
    }
  }
  return places;
}

Result<> check_complete_places(const FileTree& tree, std::span<const std::string> places) {
  for (const std::string& place : places) {
    CFS_TRY(find_place(tree, place));
  }
  return {};
}

Result<> check_complete_objects(const FileTree& tree, std::span<const std::string> places, const Fd& store) {
  std::set<Digest> checked;
  const auto visit = [&](const std::string& path, InodeId id) -> Result<> {
    const auto* contents = std::get_if<ExternalFile>(&tree.inodes[id].content);
    if (contents != nullptr && (!contents->has_digest() || checked.insert(contents->digest).second)) {
      CFS_TRY_IN(
          contents->has_digest()
              ? check_object(store, cat(store_layout::objects, '/', contents->path()), contents->digest)
              : fail(Code::verity_missing, "the image names no digest for it"),
          printable(path));
    }
    return {};
  };
  for (const std::string& place : places) {
    CFS_TRY(walk_tree(tree, place, CFS_TRY(find_place(tree, place)), visit));
  }
  return {};
}

}  // namespace cfs
