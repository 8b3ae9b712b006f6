// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/dump_writer.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "cfs/base/text.hpp"
#include "cfs/image/dump_escape.hpp"
#include "cfs/image/tree_walk.hpp"

namespace cfs {

namespace {

// What follows the path. `target` is the first name of a file that has this one too.
std::string line_of(const Inode& inode, std::uint32_t links, const std::string* target) {
  const auto* text = std::get_if<std::string>(&inode.content);
  const auto* file = std::get_if<ExternalFile>(&inode.content);
  const std::uint64_t size = file != nullptr ? file->size : text != nullptr ? text->size() : 0;
  std::string out =
      cat(' ', size, target != nullptr ? " @" : " ", to_octal(inode.mode), ' ', links, ' ', inode.uid, ' ',
          inode.gid, ' ', inode.rdev, ' ', inode.mtime_sec, '.', inode.mtime_nsec, ' ');
  if (target != nullptr) {
    dump::append_optional(out, *target);
  } else if (file != nullptr) {
    dump::append_optional(out, file->path());
  } else {
    dump::append_optional(out, text != nullptr && inode.is(S_IFLNK) ? *text : "");
  }
  out += ' ';
  dump::append_optional(out, text != nullptr && inode.is(S_IFREG) ? *text : "");
  out += ' ';
  out += file != nullptr && file->has_digest() ? file->digest.hex() : "-";
  std::vector<const Xattr*> xattrs = inode.xattrs;
  std::ranges::sort(xattrs, {}, &Xattr::name);
  for (const Xattr* xattr : xattrs) {
    out += ' ';
    dump::append_escaped(out, xattr->name, '=');
    out += '=';
    dump::append_escaped(out, xattr->value, '=');
  }
  return out;
}

}  // namespace

Result<> write_dump(const FileTree& tree, const TextSink& sink) {
  HardLinks links(tree);
  return walk_tree(tree, "/", 0, [&](const std::string& path, InodeId id) {
    std::string line;
    dump::append_escaped(line, path);
    line += line_of(tree.inodes[id], links.count(id), links.earlier_name(path, id));
    line += '\n';
    return sink(line);
  });
}

}  // namespace cfs
