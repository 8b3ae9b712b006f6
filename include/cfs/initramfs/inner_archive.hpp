// SPDX-License-Identifier: Apache-2.0
// The initrd with systemd that cfs-sign initramfs --inner puts into an initramfs of its own.
#pragma once

#include <string>
#include <string_view>

#include "cfs/base/result.hpp"

namespace cfs {

struct InnerArchive {
  // What lies in front of it and stays there: an uncompressed archive with nothing but kernel/…, where the
  // kernel looks for early microcode and ACPI tables, with its padding. Mostly empty.
  std::string early;
  std::string bytes;  // plain newc
};

// Reads an initrd, compressed (gzip, bzip2, xz, lzma, zstd, lz4) or not, and checks that it can be the inner
// archive of an initramfs: see check_inner_archive(). "-" is standard input. Code::not_found, Code::io_error;
// Code::archive_malformed; Code::unsupported_input.
[[nodiscard]] Result<InnerArchive> load_inner_archive(const std::string& file);

// The same for bytes in memory.
[[nodiscard]] Result<InnerArchive> parse_inner_archive(std::string bytes);

// Whether it is one that unpack() unpacks, and an initrd with systemd that boots a verified root: with
// systemd, the mount helper, the guard and what takes the action for a failed boot. An /init of its own must
// be a link to systemd, for it will not be executed. Code::archive_malformed, Code::unsupported_input naming
// what is wrong.
[[nodiscard]] Result<> check_inner_archive(std::string_view bytes);

}  // namespace cfs
