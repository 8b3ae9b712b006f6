// SPDX-License-Identifier: Apache-2.0
// A file system while it is configured: fsopen(2) to fsmount(2), or fspick(2) and again.
#pragma once

#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"

namespace cfs {

// The path by which an option names what a descriptor refers to.
[[nodiscard]] std::string fd_path(const Fd& fd);

// What a request is in flags of fsmount(2).
[[nodiscard]] unsigned mount_attributes(const MountRequest& request) noexcept;

// Errors are Code::mount_failed with the kernel's own words.
class FsContext {
 public:
  // Code::kernel_feature if the kernel does not know the file system.
  static Result<FsContext> open(const std::string& type);

  // Of a mount, to reconfigure its file system.
  static Result<FsContext> pick(const Fd& mount);

  Result<> set(const MountOption& option);
  Result<> set_fd(const char* option, const Fd& value);
  Result<> create();
  Result<> reconfigure();

  // errno of the last refusal.
  [[nodiscard]] int error() const noexcept { return error_; }

  // A new detached mount of what was created.
  Result<Fd> mount(unsigned attributes);

 private:
  FsContext(std::string type, Fd fd) : type_(std::move(type)), fd_(std::move(fd)) {}

  Result<> configure(unsigned command, const char* key, const void* value, int aux, const std::string& what);
  std::string messages();

  std::string type_;
  Fd fd_;
  int error_ = 0;
};

}  // namespace cfs
