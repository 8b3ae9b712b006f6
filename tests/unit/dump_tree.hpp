// Builds a tree from a composefs dump (composefs-dump(5)), the text form in which mkcomposefs takes trees
// too: one line an entry, PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT DIGEST [KEY=VALUE…]. For
// the files in tests/golden/compose, which are known to be good: anything wrong in them throws.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/digest.hpp"
#include "cfs/file_tree.hpp"
#include "cfs/text.hpp"

namespace cfs {

inline std::string unescape_dump(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

inline FileTree tree_from_dump(const std::string& dump) {
  FileTree tree;
  std::map<std::string, InodeId, std::less<>> by_path;
  std::istringstream lines(dump);
  for (std::string line; std::getline(lines, line);) {
    const auto fields = split(line, ' ');
    const std::string path = unescape_dump(fields.at(0));
    const auto slash = path.rfind('/');
    const bool is_link = fields.at(2).starts_with('@');
    const auto id =
        is_link ? by_path.at(unescape_dump(fields.at(8))) : static_cast<InodeId>(tree.inodes.size());
    if (path != "/") {
      auto& parent = tree.inodes.at(by_path.at(slash == 0 ? "/" : path.substr(0, slash)));
      auto& entries = std::get<Directory>(parent.content);
      const std::string name = path.substr(slash + 1);
      entries.insert(std::ranges::lower_bound(entries, name, {}, &DirectoryEntry::name), {name, id});
    }
    by_path.emplace(path, id);
    if (is_link) {
      continue;
    }
    Inode& inode = tree.inodes.emplace_back();
    inode.mode = static_cast<mode_t>(std::stoul(std::string(fields.at(2)), nullptr, 8));
    inode.uid = static_cast<uid_t>(std::stoul(std::string(fields.at(4))));
    inode.gid = static_cast<gid_t>(std::stoul(std::string(fields.at(5))));
    inode.rdev = static_cast<std::uint32_t>(std::stoul(std::string(fields.at(6))));
    const auto mtime = split(fields.at(7), '.');
    inode.mtime_sec = std::stoll(std::string(mtime.at(0)));
    inode.mtime_nsec = static_cast<std::uint32_t>(std::stoul(std::string(mtime.at(1))));
    if (inode.is(S_IFDIR)) {
      inode.content = Directory{};
    } else if (inode.is(S_IFLNK)) {
      inode.content = unescape_dump(fields.at(8));
    } else if (fields.at(9) != "-") {
      inode.content = unescape_dump(fields.at(9));
    } else if (fields.at(10) != "-") {
      inode.content = ExternalFile{Digest::parse(cat("sha256:", fields.at(10))).value(),
                                   std::stoull(std::string(fields.at(1)))};
    }
    for (std::size_t i = 11; i < fields.size(); ++i) {
      const auto equals = fields.at(i).find('=');
      set_xattr(tree, inode, unescape_dump(fields.at(i).substr(0, equals)),
                unescape_dump(fields.at(i).substr(equals + 1)));
    }
  }
  return tree;
}

}  // namespace cfs
