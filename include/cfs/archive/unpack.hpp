// SPDX-License-Identifier: Apache-2.0
// Unpacks the inner archive of an initramfs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

struct Unpacked {
  std::size_t entries = 0;
  std::uint64_t bytes = 0;  // of the archive
};

// Unpacks newc archives (see newc.hpp) below `root`, later entries over earlier ones and over what is there,
// as the kernel does: types, permissions, owners, device numbers, hard links; no times. Nothing is written
// through a symbolic link, or into another mount: the directories of a path must be there, as directories of
// the same mount.
//
// What lies at or below the paths in `kept` is left out. `passed` is told how many bytes have been unpacked,
// from time to time. What was unpacked before a failure stays.
//
// Code::archive_malformed, also for an archive without an entry; Code::path_refused; Code::io_error.
[[nodiscard]] Result<Unpacked> unpack(std::string_view archive, const Fd& root,
                                      std::span<const std::string_view> kept,
                                      const std::function<void(std::size_t)>& passed);

// The same for a file, open for reading and writing, which nobody else changes meanwhile. Its memory is freed
// along the way where its file system can free a part of a file: tmpfs can. On ramfs, which is the kernel's
// choice for an initramfs when the command line has root=, archive and tree take memory at the same time,
// until the file is removed.
[[nodiscard]] Result<Unpacked> unpack_file(const Fd& archive, const Fd& root,
                                           std::span<const std::string_view> kept);

}  // namespace cfs
