// SPDX-License-Identifier: Apache-2.0
// Files that appear complete or not at all.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// A file that has no name yet: none at all (O_TMPFILE), or a hidden one where the file system cannot do that,
// which goes with the object.
class UnnamedFile {
 public:
  enum class Existing { replace, refuse };

  // Makes an empty one in `directory`, which must stay open as long as this lives, with these permission bits
  // whatever the umask, open for reading and writing. `path` is for people: errors name it, and the last part
  // of it is in the hidden name. Code::io_error.
  [[nodiscard]] static Result<UnnamedFile> create(const Fd& directory, const std::string& path, mode_t mode);

  UnnamedFile(UnnamedFile&& other) noexcept;
  UnnamedFile& operator=(UnnamedFile&& other) = delete;
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;
  ~UnnamedFile();

  [[nodiscard]] const Fd& fd() const noexcept { return file_; }

  // Leaves it open for reading only, which fs-verity needs. Code::io_error.
  [[nodiscard]] Result<> close_for_writing();

  // Gives it a name below its directory. Code::already_exists, Code::io_error.
  [[nodiscard]] Result<> add_name(const std::string& path) const;

  // Gives it a name in its directory, the only one, in one step. Code::already_exists with Existing::refuse
  // when the name is taken (it is left as it was), Code::io_error.
  [[nodiscard]] Result<> take_name(const std::string& name, Existing existing);

 private:
  explicit UnnamedFile(int directory) : directory_(directory) {}
  [[nodiscard]] bool link(const std::string& path) const;  // errno says why not

  int directory_;
  Fd file_;
  std::string hidden_;  // the hidden name, when there is one to remove
};

// A file that is written without a name in the destination's directory and takes its name in commit().
// Interrupted, out of space or destroyed without commit(), it leaves nothing behind.
class AtomicFile {
 public:
  using Existing = UnnamedFile::Existing;

  // Starts a file that will be called `path`, with these permission bits. Code::not_found if its directory is
  // not there, Code::io_error.
  [[nodiscard]] static Result<AtomicFile> create(const std::string& path, mode_t mode = 0644);

  // Open for reading and writing, empty at first.
  [[nodiscard]] const Fd& fd() const noexcept { return file_.fd(); }

  // Flushes the contents to the device, gives the file its name, and flushes the directory. Errors as
  // UnnamedFile::take_name().
  [[nodiscard]] Result<> commit(Existing existing = Existing::replace);

 private:
  AtomicFile(Fd directory, UnnamedFile file, std::string name)
      : directory_(std::move(directory)), file_(std::move(file)), name_(std::move(name)) {}

  Fd directory_;
  UnnamedFile file_;  // goes before its directory
  std::string name_;
};

// The whole act for contents in memory.
[[nodiscard]] Result<> write_file(const std::string& path, std::string_view bytes, mode_t mode = 0644,
                                  AtomicFile::Existing existing = AtomicFile::Existing::replace);

// The same for a symbolic link: `path` leads to `target`, or as before, at every moment. Replaces what is
// there, unless that is a directory.
[[nodiscard]] Result<> write_link(const std::string& path, const std::string& target);

}  // namespace cfs
