// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// A hidden name beside `name` that no other process uses: pid and address space make it unique enough, and
// O_EXCL or linkat(2) refuse if not.
std::string hidden_name(std::string_view name) {
  static std::atomic<unsigned> counter = 0;
  return cat('.', name.substr(0, 200), '.', ::getpid(), '.', counter++, ".tmp");
}

// By the errno of the call that failed.
tl::unexpected<Error> not_created(const std::string& name) {
  return fail_errno(errno == EEXIST ? Code::already_exists : Code::io_error, cat("create ", printable(name)));
}

struct Place {
  Fd directory;
  std::string name;
};

Result<Place> place_of(const std::string& path) {
  const auto name = path.rfind('/') + 1;  // 0 where there is no slash
  if (name == path.size()) {
    return fail(Code::usage, cat(printable(path), " names no file"));
  }
  Place place;
  place.directory = CFS_TRY(open_directory(name == 0 ? "." : path.substr(0, name)));
  place.name = path.substr(name);
  return place;
}

}  // namespace

Result<UnnamedFile> UnnamedFile::create(const Fd& directory, const std::string& path, mode_t mode) {
  UnnamedFile made(directory.get());
  made.file_ = Fd(::openat(made.directory_, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (!made.file_ && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    const std::string hidden = hidden_name(std::string_view(path).substr(path.rfind('/') + 1));
    made.file_ = Fd(::openat(made.directory_, hidden.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode));
    if (made.file_) {
      made.hidden_ = hidden;
    }
  }
  if (!made.file_) {
    return fail_errno(Code::io_error, cat("create ", printable(path)));
  }
  if (::fchmod(made.file_.get(), mode) != 0) {  // whatever the umask
    return fail_errno(Code::io_error, cat("set the mode of ", printable(path)));
  }
  return made;
}

UnnamedFile::UnnamedFile(UnnamedFile&& other) noexcept
    : directory_(other.directory_),
      file_(std::move(other.file_)),
      hidden_(std::exchange(other.hidden_, {})) {}

UnnamedFile::~UnnamedFile() {
  if (!hidden_.empty()) {
    ::unlinkat(directory_, hidden_.c_str(), 0);
  }
}

Result<> UnnamedFile::close_for_writing() {
  Fd readable(::open(cat("/proc/self/fd/", file_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!readable) {
    return fail_errno(Code::io_error, "open for reading");
  }
  file_ = std::move(readable);
  return {};
}

bool UnnamedFile::link(const std::string& path) const {
  const std::string self = cat("/proc/self/fd/", file_.get());
  return ::linkat(AT_FDCWD, self.c_str(), directory_, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

Result<> UnnamedFile::add_name(const std::string& path) const {
  return link(path) ? Result<>() : not_created(path);
}

Result<> UnnamedFile::take_name(const std::string& name, Existing existing) {
  if (hidden_.empty()) {
    if (link(name)) {
      return {};
    }
    if (errno != EEXIST || existing == Existing::refuse) {
      return not_created(name);
    }
    // linkat(2) cannot replace: a hidden name first, then rename(2), which can.
    const std::string hidden = hidden_name(name);
    if (!link(hidden)) {
      return not_created(name);
    }
    hidden_ = hidden;
  }
  const unsigned flags = existing == Existing::refuse ? RENAME_NOREPLACE : 0;
  if (::renameat2(directory_, hidden_.c_str(), directory_, name.c_str(), flags) != 0) {
    return not_created(name);
  }
  hidden_.clear();
  return {};
}

Result<AtomicFile> AtomicFile::create(const std::string& path, mode_t mode) {
  Place place = CFS_TRY(place_of(path));
  UnnamedFile file = CFS_TRY(UnnamedFile::create(place.directory, path, mode));
  return AtomicFile(std::move(place.directory), std::move(file), std::move(place.name));
}

Result<> AtomicFile::commit(Existing existing) {
  if (::fsync(fd().get()) != 0) {
    return fail_errno(Code::io_error, cat("write ", printable(name_)));
  }
  CFS_TRY(file_.take_name(name_, existing));
  if (::fsync(directory_.get()) != 0) {
    return fail_errno(Code::io_error, cat("write the directory of ", printable(name_)));
  }
  return {};
}

Result<> write_link(const std::string& path, const std::string& target) {
  const auto [directory, name] = CFS_TRY(place_of(path));
  if (::symlinkat(target.c_str(), directory.get(), name.c_str()) != 0) {
    if (errno != EEXIST) {
      return fail_errno(Code::io_error, cat("create ", printable(path)));
    }
    const std::string temporary = hidden_name(name);
    (void)::unlinkat(directory.get(), temporary.c_str(), 0);  // of an interrupted process with this id
    if (::symlinkat(target.c_str(), directory.get(), temporary.c_str()) != 0) {
      return fail_errno(Code::io_error, cat("create ", printable(path)));
    }
    if (::renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0) {
      const int error = errno;
      (void)::unlinkat(directory.get(), temporary.c_str(), 0);
      return fail_errno(Code::io_error, cat("create ", printable(path)), error);
    }
  }
  if (::fsync(directory.get()) != 0) {
    return fail_errno(Code::io_error, cat("write the directory of ", printable(path)));
  }
  return {};
}

Result<> write_file(const std::string& path, std::string_view bytes, mode_t mode,
                    AtomicFile::Existing existing) {
  AtomicFile file = CFS_TRY(AtomicFile::create(path, mode));
  CFS_TRY_IN(write_all(file.fd(), bytes), printable(path));
  return file.commit(existing);
}

}  // namespace cfs
