// SPDX-License-Identifier: Apache-2.0
#include "cfs/archive/unpack.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>

#include "cfs/archive/newc.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// How much is unpacked between two calls of `passed`.
constexpr std::size_t passed_bytes = 4UL * 1024 * 1024;

class Unpacker {
 public:
  Unpacker(const Fd& root, std::span<const std::string_view> kept) : root_(root), kept_(kept) {}

  Result<> add(const NewcEntry& entry) {
    const bool left_out = std::any_of(kept_.begin(), kept_.end(), [&](std::string_view path) {
      return entry.path == path || (entry.path.starts_with(path) && entry.path[path.size()] == '/');
    });
    if (left_out) {
      return add_contents_of_left_out(entry);
    }
    if (entry.path.empty()) {
      return {};  // the root is there, and stays as it is
    }
    CFS_TRY(enter_parent(entry.path));
    switch (entry.mode & S_IFMT) {
      case S_IFDIR:
        return add_directory(entry);
      case S_IFREG:
        return add_file(entry);
      case S_IFLNK:
        return add_link(entry);
      default:
        return add_device(entry);
    }
  }

  // Hard links do not reach from one archive into the next.
  void end_archive() { first_names_.clear(); }

 private:
  static mode_t permissions(const NewcEntry& entry) { return entry.mode & 07777; }

  static tl::unexpected<Error> failed(std::string_view doing, std::string_view path) {
    return fail_errno(Code::io_error, cat(doing, ' ', printable(path)));
  }

  // Opens the directory of `path`, which stays open for those that follow, and names what is in it.
  Result<> enter_parent(std::string_view path) {
    const auto slash = path.rfind('/');
    const std::string_view parent = slash == std::string_view::npos ? "." : path.substr(0, slash);
    name_ = path.substr(slash + 1);
    if (!directory_ || parent != directory_path_) {
      directory_ = CFS_TRY(open_directory_beneath(root_, std::string(parent)));
      directory_path_ = parent;
    }
    return {};
  }

  // What is there gives way, unless it is a directory.
  template <class Make>
  Result<> make(const NewcEntry& entry, const Make& make_entry) {
    int made = make_entry();
    if (made != 0 && errno == EEXIST) {
      if (::unlinkat(directory_.get(), name_.c_str(), 0) != 0) {
        return failed("replace", entry.path);
      }
      made = make_entry();
    }
    return made == 0 ? Result<>() : failed("make", entry.path);
  }

  // Permissions last: a change of owner takes set-uid bits away.
  [[nodiscard]] Result<> set_attributes(const Fd& file, const NewcEntry& entry) const {
    if (((entry.uid != 0 || entry.gid != 0) && ::fchown(file.get(), entry.uid, entry.gid) != 0) ||
        ::fchmod(file.get(), permissions(entry)) != 0) {
      return failed("set the permissions of", entry.path);
    }
    return {};
  }

  Result<> add_directory(const NewcEntry& entry) {
    if (::mkdirat(directory_.get(), name_.c_str(), 0755) != 0 && errno != EEXIST) {
      return failed("make", entry.path);
    }
    const Fd made(::openat(directory_.get(), name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return made ? set_attributes(made, entry) : failed("open", entry.path);
  }

  [[nodiscard]] Result<> fill(const Fd& file, const NewcEntry& entry) const {
    CFS_TRY_IN(write_all(file, entry.contents), printable(entry.path));
    return set_attributes(file, entry);
  }

  Result<> add_file(const NewcEntry& entry) {
    if (entry.names > 1) {
      const auto [first, is_first] = first_names_.try_emplace(entry.inode, entry.path);
      if (!is_first) {
        return add_name(entry, first->second);
      }
    }
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    Fd file;
    CFS_TRY(make(entry, [&] {
      file = Fd(::openat(directory_.get(), name_.c_str(), flags, 0600));
      return file ? 0 : -1;
    }));
    return fill(file, entry);
  }

  // The contents of a file come with its last name.
  Result<> refill(const NewcEntry& entry) {
    const Fd file(::openat(directory_.get(), name_.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC));
    return file ? fill(file, entry) : failed("open", entry.path);
  }

  // A further name of the file that `first` names.
  Result<> add_name(const NewcEntry& entry, const std::string& first) {
    const Fd file = CFS_TRY(open_path_beneath(root_, first));
    const std::string descriptor = cat("/proc/self/fd/", file.get());
    CFS_TRY(make(entry, [&] {
      return ::linkat(AT_FDCWD, descriptor.c_str(), directory_.get(), name_.c_str(), AT_SYMLINK_FOLLOW);
    }));
    return entry.contents.empty() ? Result<>() : refill(entry);
  }

  // They may be those of other names, which are not left out.
  Result<> add_contents_of_left_out(const NewcEntry& entry) {
    const auto first = first_names_.find(entry.inode);
    if (!S_ISREG(entry.mode) || entry.names < 2 || entry.contents.empty() || first == first_names_.end()) {
      return {};
    }
    CFS_TRY(enter_parent(first->second));
    return refill(entry);
  }

  Result<> add_link(const NewcEntry& entry) {
    const std::string target(entry.contents);
    CFS_TRY(make(entry, [&] { return ::symlinkat(target.c_str(), directory_.get(), name_.c_str()); }));
    if ((entry.uid != 0 || entry.gid != 0) &&
        ::fchownat(directory_.get(), name_.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return failed("set the owner of", entry.path);
    }
    return {};
  }

  Result<> add_device(const NewcEntry& entry) {
    CFS_TRY(make(entry, [&] {
      return ::mknodat(directory_.get(), name_.c_str(), (entry.mode & S_IFMT) | 0600, entry.device);
    }));
    // By name: opening a device can have effects. It was made just now, so it is no link.
    if (::fchownat(directory_.get(), name_.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0 ||
        ::fchmodat(directory_.get(), name_.c_str(), permissions(entry), 0) != 0) {
      return failed("set the permissions of", entry.path);
    }
    return {};
  }

  const Fd& root_;
  std::span<const std::string_view> kept_;
  std::map<NewcInode, std::string> first_names_;  // of files with several names, in this archive
  Fd directory_;                                  // of the entry
  std::string directory_path_;
  std::string name_;  // of the entry in it
};

class Mapping {
 public:
  Mapping(const Fd& file, std::size_t size)
      : size_(size), start_(::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0)) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (*this) {
      ::munmap(start_, size_);
    }
  }
  [[nodiscard]] explicit operator bool() const noexcept { return start_ != MAP_FAILED; }
  [[nodiscard]] std::string_view bytes() const noexcept { return {static_cast<const char*>(start_), size_}; }

 private:
  std::size_t size_;
  void* start_;
};

}  // namespace

Result<Unpacked> unpack(std::string_view archive, const Fd& root, std::span<const std::string_view> kept,
                        const std::function<void(std::size_t)>& passed) {
  NewcReader reader(archive);
  Unpacker unpacker(root, kept);
  Unpacked done;
  std::size_t told = 0;
  do {
    while (const auto entry = CFS_TRY(reader.next())) {
      CFS_TRY(unpacker.add(*entry));
      ++done.entries;
      if (reader.position() - told >= passed_bytes) {
        told = reader.position();
        passed(told);
      }
    }
    unpacker.end_archive();
  } while (!reader.rest().empty());
  if (done.entries == 0) {
    return fail(Code::archive_malformed, "the cpio archive is empty");
  }
  done.bytes = archive.size();
  return done;
}

Result<Unpacked> unpack_file(const Fd& archive, const Fd& root, std::span<const std::string_view> kept) {
  struct stat status{};
  if (::fstat(archive.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at the archive");
  }
  if (status.st_size == 0) {
    return fail(Code::archive_malformed, "the cpio archive is empty");
  }
  const Mapping mapping(archive, static_cast<std::size_t>(status.st_size));
  if (!mapping) {
    return fail_errno(Code::io_error, "map the archive");
  }
  return unpack(mapping.bytes(), root, kept, [&](std::size_t bytes) {
    // Where it cannot be done, the memory is freed when the file is removed.
    (void)::fallocate(archive.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                      static_cast<off_t>(bytes));
  });
}

}  // namespace cfs
