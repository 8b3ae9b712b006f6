// SPDX-License-Identifier: Apache-2.0
// Where a command writes what the user has named with -o.
//
// A regular file, or a name that is not taken, becomes a new file that is complete or not there at all
// (AtomicFile). Symbolic links are followed: the file that they lead to is replaced, and they stay. What is
// not a regular file is written into: a block device, if nothing uses it, a FIFO or a character device. After
// a failure such a device holds a part.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// What `path` leads to when the symbolic links at its end are followed; that need not be there.
// Code::io_error for links in a circle.
[[nodiscard]] Result<std::string> follow_links(const std::string& path);

struct OutputOptions {
  enum class Access : std::uint8_t {
    sequential,  // written from the start to the end: also to standard output ("-"), FIFOs, character devices
    random,      // written and read at any place: a file or a block device
  };
  Access access = Access::sequential;
  mode_t mode = 0644;  // of a new file
  AtomicFile::Existing existing = AtomicFile::Existing::replace;
};

class OutputFile {
 public:
  // Code::usage for what cannot be written so, Code::already_exists with Existing::refuse, Code::io_error
  // (also for a block device that is mounted or in use otherwise), Code::not_found.
  [[nodiscard]] static Result<OutputFile> open(const std::string& path, const OutputOptions& options = {});

  // At its start. Open for reading too with Access::random.
  [[nodiscard]] const Fd& fd() const noexcept { return file_ ? file_->fd() : device_; }

  [[nodiscard]] bool is_standard_output() const noexcept { return standard_output_; }

  // Flushes what was written to the device, and gives a new file its name. Code::io_error,
  // Code::already_exists.
  [[nodiscard]] Result<> commit();

 private:
  OutputFile() = default;

  std::optional<AtomicFile> file_;
  Fd device_;  // what is not a regular file
  bool standard_output_ = false;
  std::string path_;
  AtomicFile::Existing existing_ = AtomicFile::Existing::replace;
};

// The whole act for contents in memory.
[[nodiscard]] Result<> write_output(const std::string& path, std::string_view bytes,
                                    const OutputOptions& options = {});

// Has a file or block device, open for reading and writing, read as zeros from 0 to `size`: the file, which
// is empty, becomes so large, and the device must be. Code::io_error.
[[nodiscard]] Result<> make_zeros(const Fd& file, std::uint64_t size);

}  // namespace cfs
