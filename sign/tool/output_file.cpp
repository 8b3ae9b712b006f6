// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/output_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr int most_links = 40;  // as the kernel follows

// A device, FIFO or terminal at the end of `path`.
Result<Fd> open_special(const std::string& path, mode_t type, OutputOptions::Access access) {
  const bool random = access == OutputOptions::Access::random;
  if (S_ISDIR(type)) {
    return fail(Code::usage, cat(printable(path), " is a directory: name a file in it"));
  }
  if (random && !S_ISBLK(type)) {
    return fail(Code::usage, cat(printable(path), " is neither a file nor a block device"));
  }
  // O_EXCL: of a block device, only if neither it nor a partition of it is mounted or in use otherwise.
  Fd file(::open(path.c_str(),
                 (random ? O_RDWR : O_WRONLY) | (S_ISBLK(type) ? O_EXCL : 0) | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return errno == EBUSY ? fail(Code::io_error, cat(printable(path), " is mounted, or in use otherwise"))
                          : fail_errno(Code::io_error, cat("open ", printable(path)));
  }
  struct stat opened{};
  if (::fstat(file.get(), &opened) != 0 || (opened.st_mode & S_IFMT) != (type & S_IFMT)) {
    return fail(Code::io_error, cat(printable(path), " was replaced while it was opened"));
  }
  return file;
}

}  // namespace

Result<std::string> follow_links(const std::string& path) {
  std::string place = path;
  for (int followed = 0; followed <= most_links; ++followed) {
    std::array<char, 4096> target{};
    const auto length = ::readlink(place.c_str(), target.data(), target.size());
    if (length < 0) {  // not a link, or not there
      return place;
    }
    const std::string_view text(target.data(), static_cast<std::size_t>(length));
    if (text.starts_with('/')) {
      place = text;
    } else {
      place.resize(place.rfind('/') + 1);  // 0 where there is no slash
      place += text;
    }
  }
  return fail_errno(Code::io_error, printable(path), ELOOP);
}

Result<OutputFile> OutputFile::open(const std::string& path, const OutputOptions& options) {
  OutputFile output;
  output.path_ = path;
  output.existing_ = options.existing;
  if (path == "-") {
    if (options.access == OutputOptions::Access::random) {
      return fail(Code::usage,
                  "standard output is written from start to end, which is not enough here: name a "
                  "file or a block device");
    }
    output.standard_output_ = true;
    output.device_ = Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    return output.device_ ? Result<OutputFile>(std::move(output))
                          : fail_errno(Code::io_error, "open standard output");
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (options.existing == AtomicFile::Existing::refuse) {
      return fail(Code::already_exists, cat(printable(path), " is there already"));
    }
    if (!S_ISREG(status.st_mode)) {
      output.device_ = CFS_TRY(open_special(path, status.st_mode, options.access));
      return output;
    }
  }
  output.file_.emplace(CFS_TRY(AtomicFile::create(CFS_TRY(follow_links(path)), options.mode)));
  return output;
}

Result<> OutputFile::commit() {
  if (file_) {
    return file_->commit(existing_);
  }
  // EINVAL, EROFS: there is nothing to flush.
  if (::fsync(device_.get()) != 0 && errno != EINVAL && errno != EROFS) {
    return fail_errno(Code::io_error, cat("write ", printable(path_)));
  }
  return {};
}

Result<> write_output(const std::string& path, std::string_view bytes, const OutputOptions& options) {
  OutputFile output = CFS_TRY(OutputFile::open(path, options));
  CFS_TRY_IN(write_all(output.fd(), bytes),
             output.is_standard_output() ? "standard output" : printable(path));
  return output.commit();
}

Result<> make_zeros(const Fd& file, std::uint64_t size) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at it");
  }
  if (!S_ISBLK(status.st_mode)) {
    return ::ftruncate(file.get(), static_cast<off_t>(size)) == 0 ? Result<>()
                                                                  : fail_errno(Code::io_error, "extend it");
  }
  std::uint64_t room = 0;
  if (::ioctl(file.get(), BLKGETSIZE64, &room) != 0) {
    return fail_errno(Code::io_error, "ask for the size of the device");
  }
  if (room < size) {
    return fail(Code::io_error, cat("the device has ", room, " bytes, and ", size, " are needed"));
  }
  std::array<std::uint64_t, 2> range{0, size};
  return ::ioctl(file.get(), BLKZEROOUT, range.data()) == 0
             ? Result<>()
             : fail_errno(Code::io_error, "overwrite the device");
}

}  // namespace cfs
