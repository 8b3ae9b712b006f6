// SPDX-License-Identifier: Apache-2.0
// SELinux labels from a policy's file_contexts(5), read by libselinux as a device reads them: with the files
// beside it (FILE.subs_dist, FILE.local, FILE.homedirs, FILE.bin) where there are any. The build machine's
// own policy plays no part.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "cfs/base/result.hpp"

struct selabel_handle;

namespace cfs {

class SelinuxLabels {
 public:
  // Code::not_found if there is no such file; Code::unsupported_input, with what libselinux said, if it
  // cannot be understood.
  [[nodiscard]] static Result<SelinuxLabels> open(const std::string& file_contexts);

  // The label of a file of this type at this absolute path, as security.selinux holds it: with a NUL at the
  // end. nullopt if the policy names none. Code::io_error.
  [[nodiscard]] Result<std::optional<std::string>> find(const std::string& path, mode_t mode) const;

 private:
  struct Closer {
    void operator()(selabel_handle* handle) const noexcept;
  };
  using Handle = std::unique_ptr<selabel_handle, Closer>;

  explicit SelinuxLabels(Handle handle) : handle_(std::move(handle)) {}

  Handle handle_;
};

}  // namespace cfs
