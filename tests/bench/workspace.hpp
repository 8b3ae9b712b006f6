// SPDX-License-Identifier: Apache-2.0
// A place to write into whose state is the same for every run.
#pragma once

#include <string>
#include <utility>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs::bench {

// A fresh ext4 file system, mounted as long as the object lives. On one that was in use for long, what was
// deleted a minute ago slows the creation of files down by factors: ext4 passes over those inodes one by one.
class FreshFileSystem {
 public:
  FreshFileSystem(FreshFileSystem&& other) noexcept;
  FreshFileSystem& operator=(FreshFileSystem&&) = delete;
  FreshFileSystem(const FreshFileSystem&) = delete;
  FreshFileSystem& operator=(const FreshFileSystem&) = delete;
  ~FreshFileSystem();

  // Flushes it to its device.
  [[nodiscard]] Result<> flush() const;

 private:
  friend class Workspace;
  FreshFileSystem(std::string mount_point, Fd root)
      : mount_point_(std::move(mount_point)), root_(std::move(root)) {}

  std::string mount_point_;  // empty when it was moved from
  Fd root_;
};

class Workspace {
 public:
  // Moves this process into a mount namespace of its own. The file systems are mounted below `directory`, on
  // devices in memory: no device's speed is measured, and however this process ends, nothing stays mounted
  // and no memory taken. Code::io_error; needs CAP_SYS_ADMIN and a directory that is there.
  [[nodiscard]] static Result<Workspace> open(const std::string& directory);

  // One at a time with this name. Code::io_error, with what mke2fs or mount said.
  [[nodiscard]] Result<FreshFileSystem> make_file_system(const std::string& name) const;

  // Where the file system of this name is mounted.
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + '/' + name; }

 private:
  explicit Workspace(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

}  // namespace cfs::bench
