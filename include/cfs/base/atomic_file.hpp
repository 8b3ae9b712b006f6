// SPDX-License-Identifier: Apache-2.0
// A file that appears complete or not at all.
//
// It is written to an unnamed temporary file (O_TMPFILE) in the destination's directory, or to a hidden
// temporary name where the file system has no O_TMPFILE, and takes its name in commit(). Interrupted, out of
// space or destroyed without commit(), it leaves nothing behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

class AtomicFile {
 public:
  enum class Existing { replace, refuse };

  // Starts a file that will be called `path`, with these permission bits. Code::not_found if its directory is
  // not there, Code::io_error.
  [[nodiscard]] static Result<AtomicFile> create(const std::string& path, mode_t mode = 0644);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) = delete;
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  // Open for reading and writing, empty at first.
  [[nodiscard]] const Fd& fd() const noexcept { return file_; }

  // Flushes the contents to the device, gives the file its name, and flushes the directory.
  // Code::already_exists with Existing::refuse when the name is taken (it is left as it was), Code::io_error.
  [[nodiscard]] Result<> commit(Existing existing = Existing::replace);

 private:
  AtomicFile() = default;

  Fd directory_;
  Fd file_;
  std::string name_;
  std::string temporary_;  // the hidden name, when there is one to remove
};

// The whole act for contents in memory.
[[nodiscard]] Result<> write_file(const std::string& path, std::string_view bytes, mode_t mode = 0644,
                                  AtomicFile::Existing existing = AtomicFile::Existing::replace);

// The same for a symbolic link: `path` leads to `target`, or as before, at every moment. Replaces what is
// there, unless that is a directory.
[[nodiscard]] Result<> write_link(const std::string& path, const std::string& target);

}  // namespace cfs
