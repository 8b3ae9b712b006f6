// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/dump_parser.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/dump_escape.hpp"
#include "cfs/image/tree_walk.hpp"
#include "cfs/input/xattr.hpp"

namespace cfs {

namespace {

constexpr std::size_t fixed_fields = 11;
constexpr std::size_t needed_fields = 8;  // the rest is optional
constexpr std::size_t inline_content_max = 5000;
constexpr std::size_t name_max = 255;
constexpr std::uint32_t nsec_end = 1'000'000'000;
constexpr mode_t mode_bits = 0177777;  // what an image keeps of a mode

tl::unexpected<Error> unsupported(std::string what) {
  return fail(Code::unsupported_input, std::move(what));
}

template <std::integral N>
Result<N> number(std::string_view field, const char* what, int base = 10) {
  N value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, base);
  if (error != std::errc() || end != field.data() + field.size()) {
    return unsupported(cat(what, ": \"", printable(field), "\" is not a number that fits"));
  }
  return value;
}

// The next field up to a space, taken from the text.
std::string_view next_field(std::string_view& line) {
  const std::size_t end = line.find(' ');
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return field;
}

using Fields = std::array<std::string_view, fixed_fields>;
enum Field : std::uint8_t {
  f_path,
  f_size,
  f_mode,
  f_links,
  f_uid,
  f_gid,
  f_rdev,
  f_mtime,
  f_payload,
  f_content,
  f_digest
};

class Parser {
 public:
  Result<> add_line(std::string_view line);
  Result<FileTree> finish();

 private:
  struct HardLink {
    InodeId directory;
    std::string name;
    std::string target;
    std::size_t line;
  };

  Result<InodeId> directory_at(std::string_view path);
  Result<> add_hard_link(InodeId directory, std::string name, std::string_view payload);
  Result<Inode> parse_inode(const Fields& fields, std::string_view xattrs);
  Result<> parse_content(Inode& inode, const Fields& fields);
  Result<> parse_xattrs(Inode& inode, std::string_view text);
  Result<InodeId> target_of(const HardLink& link);
  Result<> sort_names();

  FileTree tree_;
  std::unordered_map<std::string, InodeId> directories_;  // by path; "" is the root
  std::vector<HardLink> hard_links_;
  std::string last_path_;  // of the directory that was looked up last
  InodeId last_directory_ = 0;
  std::size_t line_ = 0;
};

Result<InodeId> Parser::directory_at(std::string_view path) {
  if (path == last_path_) {
    return last_directory_;
  }
  const auto found = directories_.find(std::string(path));
  if (found == directories_.end()) {
    return unsupported(cat(printable(path), " is not a directory of an earlier line"));
  }
  last_path_ = path;
  last_directory_ = found->second;
  return last_directory_;
}

Result<> Parser::add_line(std::string_view line) {
  ++line_;
  Fields fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (line.empty() && i < needed_fields) {
      return unsupported(cat("it has ", i, " of at least ", needed_fields, " fields"));
    }
    fields[i] = line.empty() ? "-" : next_field(line);
  }
  const std::string path = CFS_TRY(dump::unescape(fields[f_path]));
  if (tree_.inodes.empty()) {
    if (path != "/") {
      return unsupported("the first path is not /");
    }
    Inode root = CFS_TRY(parse_inode(fields, line));
    if (!root.is(S_IFDIR)) {
      return unsupported("the root is not a directory");
    }
    tree_.inodes.push_back(std::move(root));
    directories_.emplace("", 0);
    return {};
  }
  const std::size_t slash = path.rfind('/');
  std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (!path.starts_with('/') || path.find('\0') != std::string::npos || name.empty() || name == "." ||
      name == ".." || name.size() > name_max) {
    return unsupported(cat(printable(path), " is not a path that an image can have"));
  }
  const InodeId directory = CFS_TRY(directory_at(std::string_view(path).substr(0, slash)));
  if (fields[f_mode].starts_with('@')) {
    return add_hard_link(directory, std::move(name), fields[f_payload]);
  }
  const auto id = static_cast<InodeId>(tree_.inodes.size());
  tree_.inodes.push_back(CFS_TRY_IN(parse_inode(fields, line), printable(path)));
  if (tree_.inodes.back().is(S_IFDIR) && !directories_.emplace(path, id).second) {
    return unsupported(cat(printable(path), " is there twice"));
  }
  std::get<Directory>(tree_.inodes[directory].content).push_back({std::move(name), id});
  return {};
}

Result<> Parser::add_hard_link(InodeId directory, std::string name, std::string_view payload) {
  std::string target = CFS_TRY(dump::unescape(payload));
  hard_links_.push_back({directory, std::move(name), std::move(target), line_});
  return {};
}

Result<Inode> Parser::parse_inode(const Fields& fields, std::string_view xattrs) {
  Inode inode;
  inode.mode = CFS_TRY(number<mode_t>(fields[f_mode], "MODE", 8)) & mode_bits;
  inode.uid = CFS_TRY(number<uid_t>(fields[f_uid], "UID"));
  inode.gid = CFS_TRY(number<gid_t>(fields[f_gid], "GID"));
  const auto rdev = CFS_TRY(number<std::uint32_t>(fields[f_rdev], "RDEV"));
  const auto links = CFS_TRY(number<std::uint32_t>(fields[f_links], "NLINK"));
  const std::size_t dot = fields[f_mtime].find('.');
  if (dot == std::string_view::npos) {
    return unsupported("MTIME is not SECONDS.NANOSECONDS");
  }
  inode.mtime_sec = CFS_TRY(number<std::int64_t>(fields[f_mtime].substr(0, dot), "MTIME"));
  inode.mtime_nsec = CFS_TRY(number<std::uint32_t>(fields[f_mtime].substr(dot + 1), "MTIME"));
  if (inode.mtime_nsec >= nsec_end) {
    return unsupported("MTIME has more nanoseconds than a second");
  }
  if (inode.is(S_IFCHR) || inode.is(S_IFBLK)) {
    inode.rdev = rdev;
  }
  if (!inode.is(S_IFDIR)) {
    if (links == 0) {
      return unsupported("NLINK is 0");
    }
    inode.links = links;
  }
  CFS_TRY(parse_content(inode, fields));
  CFS_TRY(parse_xattrs(inode, xattrs));
  return inode;
}

Result<> Parser::parse_content(Inode& inode, const Fields& fields) {
  const auto size = CFS_TRY(number<std::uint64_t>(fields[f_size], "SIZE"));
  auto payload = CFS_TRY(dump::unescape_optional(fields[f_payload]));
  if (inode.is(S_IFDIR)) {
    inode.content = Directory{};
  } else if (inode.is(S_IFLNK)) {
    if (!payload || payload->empty() || payload->size() > link_target_max ||
        payload->find('\0') != std::string::npos) {
      return unsupported(
          cat("the link's target is empty, longer than ", link_target_max, " bytes, or has a NUL"));
    }
    inode.content = std::move(*payload);
  } else if (inode.is(S_IFREG)) {
    auto content = CFS_TRY(dump::unescape_optional(fields[f_content]));
    if (content) {
      if (content->size() != size || size > inline_content_max) {
        return unsupported(cat("CONTENT has ", content->size(), " bytes, SIZE says ", size, ", and at most ",
                               inline_content_max, " are possible"));
      }
      if (size != 0) {
        inode.content = std::move(*content);
      }
      return {};
    }
    const std::string_view digest = fields[f_digest];
    ExternalFile file;
    if (digest != "-") {
      auto parsed = Digest::parse(cat(digest.size() == 128 ? "sha512:" : "sha256:", digest));
      if (!parsed) {
        return unsupported(cat("DIGEST: \"", printable(digest), "\" is no fs-verity digest"));
      }
      file.digest = *parsed;
    }
    std::string path = payload.value_or("");
    if (payload && (path.empty() || path.find('\0') != std::string::npos)) {
      return unsupported("PAYLOAD is not a path");
    }
    file.size = size;
    if (size == 0) {
      return {};  // as mkcomposefs: nothing has no place
    }
    if (digest == "-" || path != file.digest.object_path()) {
      file.backing = tree_.intern({std::move(path), digest != "-"});
    }
    inode.content = file;
  } else if ((inode.mode & S_IFMT) != S_IFCHR && (inode.mode & S_IFMT) != S_IFBLK && !inode.is(S_IFIFO) &&
             !inode.is(S_IFSOCK)) {
    return unsupported(cat("MODE: ", printable(fields[f_mode]), " is of no type"));
  }
  return {};
}

Result<> Parser::parse_xattrs(Inode& inode, std::string_view text) {
  std::size_t total = 12;
  while (!text.empty()) {
    const std::string_view field = next_field(text);
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) {
      return unsupported(cat("\"", printable(field), "\" is no KEY=VALUE"));
    }
    const std::string key = CFS_TRY(dump::unescape(field.substr(0, equals)));
    const std::string value = CFS_TRY(dump::unescape(field.substr(equals + 1)));
    if (key.empty() || key.size() > name_max || key.find('\0') != std::string::npos) {
      return unsupported(cat("\"", printable(key), "\" is no name of an extended attribute"));
    }
    total += 7 + key.size() + value.size();
    set_xattr(tree_, inode, key, value);
  }
  if (total > xattr_limit && !inode.xattrs.empty()) {
    return unsupported(cat("its extended attributes take ", total, " bytes of ", xattr_limit));
  }
  return {};
}

// Among the files that lines describe: a hard link to a hard link is refused, and so there are no circles.
Result<InodeId> Parser::target_of(const HardLink& link) {
  const std::size_t slash = std::min(link.target.rfind('/'), link.target.size());
  const auto found = directories_.find(link.target.substr(0, slash));
  if (found != directories_.end() && slash < link.target.size()) {
    const auto& entries = std::get<Directory>(tree_.inodes[found->second].content);
    const auto name = std::string_view(link.target).substr(slash + 1);
    const auto entry = std::ranges::lower_bound(entries, name, {}, &DirectoryEntry::name);
    if (entry != entries.end() && entry->name == name && !tree_.inodes[entry->inode].is(S_IFDIR)) {
      return entry->inode;
    }
  }
  return unsupported(cat("the target of the hard link, ", printable(link.target), ", is no file"));
}

Result<> Parser::sort_names() {
  for (const auto& [path, id] : directories_) {
    auto& entries = std::get<Directory>(tree_.inodes[id].content);
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    const auto twice = std::ranges::adjacent_find(entries, {}, &DirectoryEntry::name);
    if (twice != entries.end()) {
      return unsupported(cat(printable(path), '/', printable(twice->name), " is there twice"));
    }
  }
  return {};
}

Result<FileTree> Parser::finish() {
  if (tree_.inodes.empty()) {
    return unsupported("it is empty");
  }
  CFS_TRY(sort_names());
  std::vector<InodeId> targets;
  targets.reserve(hard_links_.size());
  for (const HardLink& link : hard_links_) {
    targets.push_back(CFS_TRY_IN(target_of(link), cat("line ", link.line)));
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    auto& entries = std::get<Directory>(tree_.inodes[hard_links_[i].directory].content);
    entries.push_back({std::move(hard_links_[i].name), targets[i]});
  }
  CFS_TRY(sort_names());
  const auto names = count_names(tree_);
  for (std::size_t i = 0; i < names.size(); ++i) {
    Inode& inode = tree_.inodes[i];
    inode.links = inode.links == names[i] ? 0 : inode.links;
  }
  return std::move(tree_);
}

}  // namespace

Result<FileTree> parse_dump(std::string_view text) {
  Parser parser;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    CFS_TRY_IN(parser.add_line(text.substr(0, end)), cat("line ", line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parser.finish();
}

Result<FileTree> load_dump(const std::string& path) {
  const bool standard_input = path == "-";
  const Fd opened(standard_input ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!standard_input && !opened) {
    return fail_errno(errno == ENOENT ? Code::not_found : Code::io_error, printable(path));
  }
  std::string text;
  for (std::size_t size = 0;;) {
    text.resize(size + (1UL << 20));
    const ssize_t got =
        ::read(standard_input ? STDIN_FILENO : opened.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno != EINTR) {
      return fail_errno(Code::io_error, cat(printable(path), ": read"));
    }
    size += got > 0 ? static_cast<std::size_t>(got) : 0;
    if (got == 0) {
      text.resize(size);
      break;
    }
  }
  return CFS_TRY_IN(parse_dump(text), printable(path));
}

}  // namespace cfs
