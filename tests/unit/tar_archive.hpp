// SPDX-License-Identifier: Apache-2.0
// Tar archives in memory, with what honest programs never write too.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/input/tar.hpp"

namespace cfs {

class TarArchive {
 public:
  TarArchive() { require(archive_write_set_format_pax(writer_) == ARCHIVE_OK && open()); }
  TarArchive(const TarArchive&) = delete;
  TarArchive& operator=(const TarArchive&) = delete;
  ~TarArchive() {
    archive_write_free(writer_);
    archive_entry_free(entry_);
  }

  using Change = std::function<void(archive_entry*)>;

  // An entry with mode 0644 or, of a directory, 0755, of user 0 at time 1, unless `change` says otherwise.
  TarArchive& add(std::string_view path, mode_t type, std::string_view bytes = {},
                  const Change& change = {}) {
    archive_entry_clear(entry_);
    archive_entry_set_pathname(entry_, std::string(path).c_str());
    archive_entry_set_mode(entry_, type | (type == S_IFDIR ? 0755 : 0644));
    archive_entry_set_mtime(entry_, 1, 0);
    archive_entry_set_size(entry_, static_cast<la_int64_t>(bytes.size()));
    if (change) {
      change(entry_);
    }
    require(archive_write_header(writer_, entry_) >= ARCHIVE_WARN);
    require(bytes.empty() ||
            archive_write_data(writer_, bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size()));
    return *this;
  }
  TarArchive& file(std::string_view path, std::string_view bytes = "x") { return add(path, S_IFREG, bytes); }
  TarArchive& directory(std::string_view path) { return add(path, S_IFDIR); }
  TarArchive& symlink(std::string_view path, const std::string& target) {
    return add(path, S_IFLNK, {},
               [&](archive_entry* entry) { archive_entry_set_symlink(entry, target.c_str()); });
  }
  TarArchive& hard_link(std::string_view path, const std::string& target) {
    return add(path, S_IFREG, {},
               [&](archive_entry* entry) { archive_entry_set_hardlink(entry, target.c_str()); });
  }

  // The archive is then complete.
  std::string bytes() {
    require(archive_write_close(writer_) == ARCHIVE_OK);
    return bytes_;
  }

 private:
  static void require(bool done) {
    if (!done) {
      throw std::runtime_error("cannot make a tar archive");
    }
  }
  static la_ssize_t take(archive* /*writer*/, void* self, const void* buffer, std::size_t size) {
    static_cast<TarArchive*>(self)->bytes_.append(static_cast<const char*>(buffer), size);
    return static_cast<la_ssize_t>(size);
  }
  bool open() { return archive_write_open(writer_, this, nullptr, take, nullptr) == ARCHIVE_OK; }

  archive* writer_ = archive_write_new();
  archive_entry* entry_ = archive_entry_new();
  std::string bytes_;
};

// A source that gives an archive in pieces that fit nothing.
inline ArchiveSource in_pieces(std::string_view bytes, std::size_t piece = 1000) {
  return [rest = bytes, piece]() mutable -> Result<std::span<const char>> {
    const std::string_view next = rest.substr(0, piece);
    rest.remove_prefix(next.size());
    return std::span<const char>(next);
  };
}

// The paths of a tree, one a line.
inline std::string paths_of(const FileTree& tree) {
  std::string out;
  const std::function<void(InodeId, const std::string&)> list = [&](InodeId id, const std::string& path) {
    if (const auto* directory = std::get_if<Directory>(&tree.inodes.at(id).content)) {
      for (const DirectoryEntry& entry : *directory) {
        out += path + entry.name + '\n';
        list(entry.inode, path + entry.name + '/');
      }
    }
  };
  list(0, "");
  return out;
}

// What is at a path of a tree.
inline const Inode& inode_at(const FileTree& tree, std::string_view path) {
  const Inode* inode = &tree.inodes.front();
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    const auto& entries = std::get<Directory>(inode->content);
    const auto entry = std::ranges::find(entries, name, &DirectoryEntry::name);
    if (entry == entries.end()) {
      throw std::runtime_error("not in the tree: " + std::string(name));
    }
    inode = &tree.inodes.at(entry->inode);
  }
  return *inode;
}

}  // namespace cfs
