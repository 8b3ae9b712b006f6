// SPDX-License-Identifier: Apache-2.0
// Reads "newc" cpio archives (Documentation/driver-api/early-userspace/buffer-format.rst of Linux): several
// one after the other, each ended by its trailer and padded with zeros, as an initramfs may be.
//
// Stricter than the kernel: what GNU cpio, dracut-cpio and libarchive write is taken, all else is malformed.
// Pure: nothing is opened or copied.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

// What the names of one file have in common within an archive.
struct NewcInode {
  std::uint32_t number = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  auto operator<=>(const NewcInode&) const = default;
};

struct NewcEntry {
  // Relative, of plain names: no "." or ".." and no empty name among them. Empty: the directory that is
  // unpacked to.
  std::string_view path;
  mode_t mode =
      0;  // type and permission bits: a directory, regular file, symbolic link, character or block device
  uid_t uid = 0;
  gid_t gid = 0;
  // Of a regular file: how many names it has. All have the same inode, and the contents come with the last.
  std::uint32_t names = 1;
  NewcInode inode;
  dev_t device = 0;           // of a device
  std::string_view contents;  // of a regular file; of a symbolic link, its target
};

class NewcReader {
 public:
  // The views that it gives are into these bytes.
  explicit NewcReader(std::string_view bytes) noexcept : bytes_(bytes) {}

  // The next entry; nullopt when an archive has ended, with the padding that follows it. Where rest() is
  // empty before, there is none: Code::archive_malformed, as for everything that is no newc archive.
  [[nodiscard]] Result<std::optional<NewcEntry>> next();

  // What has not been read. After the end of an archive: empty, or another archive, or something else.
  [[nodiscard]] std::string_view rest() const noexcept { return bytes_.substr(position_); }

  [[nodiscard]] std::size_t position() const noexcept { return position_; }

 private:
  std::string_view bytes_;
  std::size_t position_ = 0;
};

}  // namespace cfs
