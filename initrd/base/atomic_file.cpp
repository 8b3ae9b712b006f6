// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// A hidden name beside `name` that no other process uses: pid and address space make it unique enough, and
// O_EXCL or linkat(2) refuse if not.
std::string hidden_name(const std::string& name) {
  static unsigned counter = 0;
  return cat('.', name.substr(0, 200), '.', ::getpid(), '.', counter++, ".tmp");
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

Result<AtomicFile> AtomicFile::create(const std::string& path, mode_t mode) {
  AtomicFile file;
  Place place = CFS_TRY(place_of(path));
  file.directory_ = std::move(place.directory);
  file.name_ = std::move(place.name);
  file.file_ = Fd(::openat(file.directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (!file.file_ && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    const std::string name = hidden_name(file.name_);
    file.file_ =
        Fd(::openat(file.directory_.get(), name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode));
    if (file.file_) {
      file.temporary_ = name;
    }
  }
  if (!file.file_) {
    return fail_errno(Code::io_error, cat("create ", printable(path)));
  }
  if (::fchmod(file.file_.get(), mode) != 0) {  // whatever the umask
    return fail_errno(Code::io_error, cat("set the mode of ", printable(path)));
  }
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : directory_(std::move(other.directory_)),
      file_(std::move(other.file_)),
      name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})) {}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) {
    ::unlinkat(directory_.get(), temporary_.c_str(), 0);
  }
}

Result<> AtomicFile::commit(Existing existing) {
  if (::fsync(file_.get()) != 0) {
    return fail_errno(Code::io_error, cat("write ", printable(name_)));
  }
  if (temporary_.empty()) {
    const std::string self = cat("/proc/self/fd/", file_.get());
    const auto link = [&](const std::string& name) {
      return ::linkat(AT_FDCWD, self.c_str(), directory_.get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    };
    bool linked = link(name_);
    if (!linked && errno == EEXIST && existing == Existing::replace) {
      // linkat(2) cannot replace: a second name first, then rename(2), which can.
      const std::string hidden = hidden_name(name_);
      linked = link(hidden);
      temporary_ = linked ? hidden : "";
    }
    if (!linked) {
      return fail_errno(errno == EEXIST ? Code::already_exists : Code::io_error,
                        cat("create ", printable(name_)));
    }
  }
  if (!temporary_.empty()) {
    const unsigned flags = existing == Existing::refuse ? RENAME_NOREPLACE : 0;
    if (::renameat2(directory_.get(), temporary_.c_str(), directory_.get(), name_.c_str(), flags) != 0) {
      return fail_errno(errno == EEXIST ? Code::already_exists : Code::io_error,
                        cat("create ", printable(name_)));
    }
    temporary_.clear();
  }
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
