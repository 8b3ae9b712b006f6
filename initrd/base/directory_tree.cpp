// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/directory_tree.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/metacopy.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view overlay_prefix = "trusted.overlay.";
constexpr std::string_view metacopy = "trusted.overlay.metacopy";
constexpr std::string_view redirect = "trusted.overlay.redirect";
// Handles of files of the layer below, and what follows from having them.
constexpr std::array<std::string_view, 4> ties{"trusted.overlay.origin", "trusted.overlay.impure",
                                               "trusted.overlay.nlink", "trusted.overlay.uuid"};

bool remove_below(const Fd& directory, dev_t device, std::chrono::steady_clock::time_point deadline) {
  bool empty = true;
  // Not list_entries(): the deadline may come before all are read, and a hostile disk may hold any number.
  const auto visited = visit_entries(directory, [&](const ListedEntry& entry) {
    const char* const name = entry.name.c_str();
    struct stat status{};
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (late || ::fstatat(directory.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        status.st_dev != device) {
      empty = false;
      return !late;
    }
    if (S_ISDIR(status.st_mode)) {
      const Fd child(::openat(directory.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (child) {
        (void)remove_below(child, device, deadline);
      }
    }
    empty &= ::unlinkat(directory.get(), name, S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0) == 0;
    return true;
  });
  return visited && empty;
}

struct Attribute {
  std::string name;
  std::string value;
};

// A path by which extended attributes of any kind of file can be had: those of a symbolic link, too.
std::string path_of(const Fd& directory, const std::string& name) {
  return cat("/proc/self/fd/", directory.get(), '/', name);
}

// What `read`, a system call of listxattr(2) or getxattr(2), writes into a buffer. Nearly always it is short:
// the kernel, too, makes and clears a buffer as large as the one that it is given. Its errno where it fails.
template <typename Read>
tl::expected<std::string, int> read_attribute(Read read) {
  constexpr std::size_t usual = 256;
  constexpr std::size_t most = 64UL << 10;  // XATTR_LIST_MAX and XATTR_SIZE_MAX: no answer is longer
  std::string buffer(usual, '\0');
  ssize_t size = read(buffer.data(), buffer.size());
  if (size < 0 && errno == ERANGE) {
    buffer.resize(most);
    size = read(buffer.data(), buffer.size());
  }
  if (size < 0) {
    return tl::unexpected(errno);  // as it is now: whatever is destroyed on the way may change it
  }
  buffer.resize(static_cast<std::size_t>(size));
  return buffer;
}

Result<std::vector<Attribute>> attributes_of(const std::string& path) {
  const auto names = read_attribute(
      [&](char* buffer, std::size_t size) { return ::llistxattr(path.c_str(), buffer, size); });
  if (!names) {
    return names.error() == EOPNOTSUPP
               ? Result<std::vector<Attribute>>()
               : fail_errno(Code::io_error, "list the extended attributes", names.error());
  }
  std::vector<Attribute> attributes;
  for (std::size_t at = 0; at < names->size(); at += attributes.back().name.size() + 1) {
    attributes.push_back({names->c_str() + at, {}});
  }
  for (Attribute& attribute : attributes) {
    auto value = read_attribute([&](char* buffer, std::size_t size) {
      return ::lgetxattr(path.c_str(), attribute.name.c_str(), buffer, size);
    });
    if (!value) {
      return fail_errno(Code::io_error, cat("read the extended attribute ", printable(attribute.name)),
                        value.error());
    }
    attribute.value = *std::move(value);
  }
  return attributes;
}

Result<> set_attribute(const std::string& path, const Attribute& attribute) {
  if (::lsetxattr(path.c_str(), attribute.name.c_str(), attribute.value.data(), attribute.value.size(), 0) !=
      0) {
    return fail_errno(Code::io_error, cat("set the extended attribute ", printable(attribute.name)));
  }
  return {};
}

class Copy {
 public:
  Copy(const Fd& root, const CopyOptions& options) : root_(root), options_(options) {}

  Result<> directory(const Fd& from, const Fd& to, const std::string& path, int depth) {
    if (depth > deepest_copy) {
      return fail(Code::unsupported_input,
                  cat(printable(path), " is more than ", deepest_copy, " levels deep"));
    }
    for (const std::string& name : CFS_TRY(list_directory(from))) {
      const std::string child = path.empty() ? name : cat(path, '/', name);
      CFS_TRY_IN(copy(from, to, name, child, depth), printable(child));
    }
    return {};
  }

 private:
  Result<> copy(const Fd& from, const Fd& to, const std::string& name, const std::string& path, int depth) {
    struct stat status{};
    if (::fstatat(from.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno(Code::io_error, "look at it");
    }
    if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
      const auto [first, is_first] = links_.try_emplace({status.st_dev, status.st_ino}, path);
      if (!is_first) {
        // Where the first of its names was left out, there is nothing to link to: this one is, too.
        return ::linkat(root_.get(), first->second.c_str(), to.get(), name.c_str(), 0) == 0 || errno == ENOENT
                   ? Result<>()
                   : fail_errno(Code::io_error, "link it");
      }
    }
    auto attributes = CFS_TRY(attributes_of(path_of(from, name)));
    if (S_ISREG(status.st_mode)) {
      if (!CFS_TRY(contents(from, to, name, attributes))) {
        return {};
      }
    } else if (S_ISDIR(status.st_mode)) {
      if (::mkdirat(to.get(), name.c_str(), 0700) != 0) {
        return fail_errno(Code::io_error, "make the directory");
      }
      const Fd below_from = CFS_TRY(open_directory_beneath(from, name));
      const Fd below_to = CFS_TRY(open_directory_beneath(to, name));
      CFS_TRY(directory(below_from, below_to, path, depth + 1));
    } else if (S_ISLNK(status.st_mode)) {
      const auto target = CFS_TRY(read_link(from, name));
      if (::symlinkat(target.value_or("").c_str(), to.get(), name.c_str()) != 0) {
        return fail_errno(Code::io_error, "make the symbolic link");
      }
    } else if (::mknodat(to.get(), name.c_str(), status.st_mode, status.st_rdev) != 0) {
      return fail_errno(Code::io_error, "make the node");
    }
    return finish(to, name, status, attributes);
  }

  // Copies the bytes of a file. False: it has none of its own and they cannot be had, so it is left out.
  Result<bool> contents(const Fd& from, const Fd& to, const std::string& name,
                        std::vector<Attribute>& attributes) {
    Fd source;
    const auto in_image = std::find_if(attributes.begin(), attributes.end(),
                                       [](const Attribute& attribute) { return attribute.name == metacopy; });
    if (options_.objects != nullptr && in_image != attributes.end()) {
      const auto digest = parse_metacopy(in_image->value);
      auto object = digest ? open_file_beneath(*options_.objects, digest->object_path())
                           : Result<Fd>(fail(Code::not_found, "no digest"));
      if (!object) {
        return false;
      }
      source = *std::move(object);
      std::erase_if(attributes, [](const Attribute& attribute) {
        return attribute.name == metacopy || attribute.name == redirect;
      });
    } else {
      source = CFS_TRY(open_file_beneath(from, name));
    }
    const Fd target(::openat(to.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    if (!target) {
      return fail_errno(Code::io_error, "create it");
    }
    for (;;) {
      constexpr std::size_t at_once = 1UL << 30;
      const ssize_t sent = ::sendfile(target.get(), source.get(), nullptr, at_once);
      if (sent < 0) {
        return fail_errno(Code::io_error, "copy it");
      }
      if (sent == 0) {
        return true;
      }
    }
  }

  // The order matters: chown(2) takes set-uid bits and capabilities away, and everything changes times.
  Result<> finish(const Fd& to, const std::string& name, const struct stat& status,
                  const std::vector<Attribute>& attributes) {
    const std::array times{status.st_atim, status.st_mtim};
    if (::fchownat(to.get(), name.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0 ||
        (!S_ISLNK(status.st_mode) && ::fchmodat(to.get(), name.c_str(), status.st_mode & 07777, 0) != 0)) {
      return fail_errno(Code::io_error, "set its owner and mode");
    }
    const std::string path = path_of(to, name);
    for (const Attribute& attribute : attributes) {
      if (std::find(ties.begin(), ties.end(), attribute.name) == ties.end()) {
        CFS_TRY(set_attribute(path, attribute));
      }
    }
    if (::utimensat(to.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno(Code::io_error, "set its times");
    }
    return {};
  }

  const Fd& root_;  // of the copy
  const CopyOptions& options_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;  // where in the copy the first name of a file lies
};

}  // namespace

Result<> copy_tree(const Fd& source, const Fd& parent, const std::string& name, const CopyOptions& options) {
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0) {
    return fail_errno(errno == EEXIST ? Code::already_exists : Code::io_error, cat("make ", printable(name)));
  }
  const Fd root = CFS_TRY(open_directory_beneath(parent, name));
  CFS_TRY(Copy(root, options).directory(source, root, {}, 0));
  CFS_TRY(copy_attributes(source, root));
  struct stat status{};
  const bool known = ::fstat(source.get(), &status) == 0;
  const std::array times{status.st_atim, status.st_mtim};
  if (!known || ::utimensat(parent.get(), name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno(Code::io_error, cat("set the times of ", printable(name)));
  }
  return {};
}

Result<Fd> make_directory(const Fd& parent, std::string_view name, unsigned mode) {
  const std::string path(name);
  CFS_TRY(create_directory(parent, path, mode));
  return open_directory_beneath(parent, path);
}

Result<> copy_attributes(const Fd& from, const Fd& to) {
  struct stat status{};
  if (::fstat(from.get(), &status) != 0 ||
      ::fchownat(to.get(), "", status.st_uid, status.st_gid, AT_EMPTY_PATH) != 0 ||
      ::fchmodat(to.get(), ".", status.st_mode & 07777, 0) != 0) {
    return fail_errno(Code::io_error, "copy the owner and mode");
  }
  const std::string target = path_of(to, ".");
  for (const Attribute& attribute : CFS_TRY(attributes_of(path_of(from, ".")))) {
    if (!attribute.name.starts_with(overlay_prefix)) {
      CFS_TRY(set_attribute(target, attribute));
    }
  }
  return {};
}

bool remove_tree(const Fd& directory, std::chrono::steady_clock::time_point deadline) {
  struct stat status{};
  return ::fstat(directory.get(), &status) == 0 && remove_below(directory, status.st_dev, deadline);
}

}  // namespace cfs
