// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// openat2(2) has no wrapper in the glibc of Debian 12.
Result<Fd> open_resolved(const Fd& directory, const std::string& path, std::uint64_t flags,
                         std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  long fd = -1;
  do {
    fd = ::syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof how);
    // EAGAIN: a rename or a mount elsewhere made the kernel unsure that ".." stayed beneath. There is none in
    // our own paths, and few in the links of an image, so trying again ends.
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd >= 0) {
    return Fd(static_cast<int>(fd));
  }
  switch (errno) {
    case ENOENT:
      return fail_errno(Code::not_found, printable(path));
    case ELOOP:
      return fail(Code::path_refused, cat(printable(path), " leads through a symbolic link"));
    case EXDEV:
      return fail(Code::path_refused, cat(printable(path), " leads out of its directory or mount"));
    case ENOTDIR:
    case ENXIO:
      return fail_errno(Code::path_refused, printable(path));
    default:
      return fail_errno(Code::io_error, cat("open ", printable(path)));
  }
}

Result<Fd> open_beneath(const Fd& directory, const std::string& path, std::uint64_t flags) {
  return open_resolved(directory, path, flags | O_NOFOLLOW,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

Result<> make_directory(int parent, const std::string& path, mode_t mode, Code code) {
  if (::mkdirat(parent, path.c_str(), mode) == 0 || errno == EEXIST) {
    return {};
  }
  return fail_errno(code == Code::io_error && errno == ENOENT ? Code::not_found : code,
                    cat("create ", printable(path)));
}

Result<struct stat> status_of(const Fd& file, const std::string& path) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno(Code::io_error, cat("look at ", printable(path)));
  }
  return status;
}

}  // namespace

Result<Fd> open_directory(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    return fail_errno(errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::io_error,
                      cat("open the directory ", printable(path)));
  }
  return fd;
}

Result<Fd> open_path_beneath(const Fd& directory, const std::string& path) {
  Fd found = CFS_TRY(open_beneath(directory, path, O_PATH));
  if (S_ISLNK(CFS_TRY(status_of(found, path)).st_mode)) {
    return fail(Code::path_refused, cat(printable(path), " is a symbolic link"));
  }
  return found;
}

Result<Fd> open_file_beneath(const Fd& directory, const std::string& path) {
  // Opened as a path first: opening a device or a fifo for reading can already have effects.
  const Fd found = CFS_TRY(open_path_beneath(directory, path));
  const auto status = CFS_TRY(status_of(found, path));
  if (!S_ISREG(status.st_mode)) {
    return fail(Code::path_refused, cat(printable(path), " is not a regular file"));
  }
  Fd file = CFS_TRY(open_beneath(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const auto opened = CFS_TRY(status_of(file, path));
  if (opened.st_ino != status.st_ino || opened.st_dev != status.st_dev) {
    return fail(Code::path_refused, cat(printable(path), " was replaced while it was opened"));
  }
  return file;
}

Result<Fd> open_path_in_root(const Fd& root, const std::string& path) {
  return open_resolved(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> open_directory_beneath(const Fd& directory, const std::string& path) {
  return open_beneath(directory, path, O_PATH | O_DIRECTORY);
}

Result<std::optional<std::string>> read_link(const Fd& directory, const std::string& name) {
  std::array<char, link_target_max + 1> target{};
  const auto length = ::readlinkat(directory.get(), name.c_str(), target.data(), target.size());
  if (length < 0) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return fail_errno(errno == EINVAL ? Code::path_refused : Code::io_error,
                      cat("read the link ", printable(name)));
  }
  if (static_cast<std::size_t>(length) == target.size()) {
    return fail(Code::path_refused, cat("the target of the link ", printable(name), " is too long"));
  }
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<std::string> read_all(const Fd& file, std::size_t limit) {
  std::string bytes;
  for (;;) {
    std::array<char, 16384> buffer;
    const auto got = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(bytes.size()));
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno(Code::io_error, "read");
    }
    if (got == 0) {
      return bytes;
    }
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > limit) {
      return fail(Code::path_refused, cat("larger than the ", limit, " bytes it may have"));
    }
  }
}

Result<> create_directory(const std::string& path, mode_t mode, Code code) {
  return make_directory(AT_FDCWD, path, mode, code);
}

Result<> create_directory(const Fd& parent, const std::string& path, mode_t mode, Code code) {
  return make_directory(parent.get(), path, mode, code);
}

Result<> visit_entries(const Fd& directory, const std::function<bool(ListedEntry)>& visit) {
  Fd readable(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(readable ? ::fdopendir(readable.get()) : nullptr,
                                                    ::closedir);
  if (entries == nullptr) {
    return fail_errno(Code::io_error, "read the directory");
  }
  (void)readable.release();  // the stream's now
  for (;;) {
    errno = 0;
    const dirent* entry =
        ::readdir(entries.get());  // NOLINT(concurrency-mt-unsafe): the stream is ours alone
    if (entry == nullptr) {
      return errno == 0 ? Result<>() : fail_errno(Code::io_error, "read the directory");
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !visit({std::string(name), entry->d_type})) {
      return {};
    }
  }
}

Result<std::vector<ListedEntry>> list_entries(const Fd& directory) {
  std::vector<ListedEntry> listed;
  CFS_TRY(visit_entries(directory, [&](ListedEntry entry) {
    listed.push_back(std::move(entry));
    return true;
  }));
  std::sort(listed.begin(), listed.end(),
            [](const ListedEntry& a, const ListedEntry& b) { return a.name < b.name; });
  return listed;
}

Result<std::vector<std::string>> list_directory(const Fd& directory) {
  auto listed = CFS_TRY(list_entries(directory));
  std::vector<std::string> names;
  names.reserve(listed.size());
  for (ListedEntry& entry : listed) {
    names.push_back(std::move(entry.name));
  }
  return names;
}

Result<std::size_t> read_some(const Fd& file, std::span<char> buffer) {
  ssize_t got = 0;
  do {
    got = ::read(file.get(), buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  return got < 0 ? fail_errno(Code::io_error, "read") : Result<std::size_t>(static_cast<std::size_t>(got));
}

Result<> read_exactly(const Fd& file, std::uint64_t offset, std::span<char> buffer) {
  while (!buffer.empty()) {
    const auto got = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return fail_errno(Code::io_error, "read");
    }
    if (got == 0) {
      return fail(Code::input_changed, cat("it ends at byte ", offset));
    }
    offset += static_cast<std::uint64_t>(got);
    buffer = buffer.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return fail_errno(errno == ENOENT ? Code::not_found : Code::io_error, cat("open ", printable(path)));
  }
  auto bytes = read_all(file, limit);
  if (!bytes && bytes.error().code() == Code::path_refused) {
    return fail(Code::path_refused, cat(printable(path), ": ", bytes.error().what()), "check the path");
  }
  return CFS_TRY_IN(std::move(bytes), printable(path));
}

Result<> write_all(const Fd& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno(Code::io_error, "write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace cfs
