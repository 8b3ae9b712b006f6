// SPDX-License-Identifier: Apache-2.0
// An initramfs archive: "newc" cpio (Documentation/driver-api/early-userspace/buffer-format.rst of Linux),
// compressed or not.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

struct CpioEntry {
  mode_t mode = 0;       // type and permission bits: a directory, a regular file or a character device
  dev_t device = 0;      // of a character device
  std::string contents;  // of a regular file
};

// Of those that the kernel unpacks. Not xz, which takes it six times the instructions of zstd.
enum class Compression : std::uint8_t {
  zstd,  // RFC 8878; with CONFIG_RD_ZSTD
  gzip,  // RFC 1952; with CONFIG_RD_GZIP
  none,
};

// Entries by path, relative and without a leading "./".
class Cpio {
 public:
  void add_directory(const std::string& path);  // 0755, and its parents
  void add_file(const std::string& path, std::string contents, mode_t permissions = 0644);  // and its parents
  void add_device(const std::string& path, dev_t device, mode_t permissions);               // and its parents

  [[nodiscard]] const std::map<std::string, CpioEntry>& entries() const noexcept { return entries_; }

  // Writes the archive at the descriptor's position. The bytes depend on the arguments and the entries alone
  // (`mtime` in seconds since 1970): sorted by path, so that a directory comes before what is in it, owned by
  // root, with inode numbers counted from 1. Code::io_error, Code::unsupported_input for a file that the
  // format cannot hold.
  [[nodiscard]] Result<> write(const Fd& file, std::uint32_t mtime, Compression compression) const;

 private:
  void add(const std::string& path, CpioEntry entry);

  std::map<std::string, CpioEntry> entries_;
};

}  // namespace cfs
