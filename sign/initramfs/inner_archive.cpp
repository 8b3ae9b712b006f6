// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/inner_archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "cfs/archive/newc.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t most_bytes = 1024UL * 1024 * 1024;
constexpr std::string_view newc_magic = "070701";

// Where the kernel looks before it unpacks anything (Documentation/arch/x86/microcode.rst,
// Documentation/admin-guide/acpi/initrd_table_override.rst), and the file by which dracut knows such an
// archive.
constexpr std::string_view early_directory = "kernel";
constexpr std::string_view early_mark = "early_cpio";

// A verified root is not booted without them.
constexpr auto needed = std::to_array<std::string_view>({
    "etc/initrd-release",
    "usr/lib/composefs-root/composefs-root",
    "usr/lib/systemd/system/composefs-root-failure.service",
    "usr/lib/systemd/system/composefs-root-guard-switch.service",
    "usr/lib/systemd/system/composefs-root-guard.service",
    "usr/lib/systemd/system/initrd-root-fs.target.requires/composefs-root-guard.service",
    "usr/lib/systemd/system/initrd-switch-root.service.requires/composefs-root-guard-switch.service",
    "usr/lib/systemd/systemd",
});
// Where mount(8) finds it; distributions make one of these a link to the other.
constexpr auto mount_helpers =
    std::to_array<std::string_view>({"usr/bin/mount.composefs-root", "usr/sbin/mount.composefs-root"});

constexpr auto systemd_paths = std::to_array<std::string_view>(
    {"/lib/systemd/systemd", "/usr/lib/systemd/systemd", "lib/systemd/systemd", "usr/lib/systemd/systemd"});

struct ReaderDeleter {
  void operator()(archive* reader) const noexcept { archive_read_free(reader); }
};

template <class Range>
bool contains(const Range& range, std::string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

Result<std::string> read_input(const std::string& file) {
  const bool standard_input = file == "-";
  const Fd input(standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                : ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!input) {
    return fail_errno(errno == ENOENT ? Code::not_found : Code::io_error, cat("open ", printable(file)));
  }
  std::string bytes;
  std::vector<char> buffer(1024UL * 1024);
  for (;;) {
    const std::size_t length = CFS_TRY(read_some(input, buffer));
    if (length == 0) {
      return bytes;
    }
    if (bytes.size() + length > most_bytes) {
      return fail(Code::unsupported_input, cat("larger than ", most_bytes, " bytes"));
    }
    bytes.append(buffer.data(), length);
  }
}

Result<std::string> decompress(std::string_view bytes) {
  const std::unique_ptr<archive, ReaderDeleter> reader(archive_read_new());
  const auto malformed = [&] {
    return fail(Code::archive_malformed,
                cat("no cpio archive, compressed or not: ", archive_error_string(reader.get())));
  };
  // Those inside libarchive, and not what it would start a program for.
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_bzip2(reader.get());
  archive_read_support_filter_lzma(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_lz4(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return malformed();
  }
  std::string plain;
  std::vector<char> buffer(1024UL * 1024);
  for (;;) {
    const la_ssize_t length = archive_read_data(reader.get(), buffer.data(), buffer.size());
    if (length < 0) {
      return malformed();
    }
    if (length == 0) {
      return plain;
    }
    if (plain.size() + static_cast<std::size_t>(length) > most_bytes) {
      return fail(Code::unsupported_input, cat("larger than ", most_bytes, " bytes when it is unpacked"));
    }
    plain.append(buffer.data(), static_cast<std::size_t>(length));
  }
}

// How many bytes at the beginning are an archive for early use: 0 where the first is none.
Result<std::size_t> early_length(std::string_view bytes) {
  NewcReader reader(bytes);
  bool early = true;
  while (const auto entry = CFS_TRY(reader.next())) {
    const std::string_view path = entry->path;
    early = early && (path.empty() || path == early_directory || path == early_mark ||
                      path.substr(0, path.find('/')) == early_directory);
  }
  return early && !reader.rest().empty() ? reader.position() : 0;
}

Result<> check_init(const NewcEntry& entry) {
  if (S_ISLNK(entry.mode) && contains(systemd_paths, entry.contents)) {
    return {};
  }
  return fail(
      Code::unsupported_input,
      "its init is not a link to systemd, and would not be executed (a script comes from dracut's module "
      "squash, which cannot be used with composefs-root)");
}

}  // namespace

Result<> check_inner_archive(std::string_view bytes) {
  NewcReader reader(bytes);
  std::set<std::string_view> paths;
  std::set<std::string_view> directories;
  do {
    while (const auto entry = CFS_TRY(reader.next())) {
      const auto slash = entry->path.rfind('/');
      if (slash != std::string_view::npos && !directories.contains(entry->path.substr(0, slash))) {
        return fail(Code::archive_malformed, cat(printable(entry->path), " comes before its directory"));
      }
      if (entry->path == "init") {
        CFS_TRY(check_init(*entry));
      }
      (S_ISDIR(entry->mode) ? directories : paths).insert(entry->path);
    }
  } while (!reader.rest().empty());
  for (const std::string_view path : needed) {
    if (!paths.contains(path)) {
      return fail(Code::unsupported_input,
                  cat("it has no ", path, ", which boots and guards a verified root"));
    }
  }
  if (std::none_of(mount_helpers.begin(), mount_helpers.end(),
                   [&](std::string_view path) { return paths.contains(path); })) {
    return fail(Code::unsupported_input, "it has no mount.composefs-root, which mounts a verified root");
  }
  return {};
}

Result<InnerArchive> parse_inner_archive(std::string bytes) {
  InnerArchive inner;
  if (bytes.starts_with(newc_magic)) {
    const std::size_t early = CFS_TRY(early_length(bytes));
    inner.early = bytes.substr(0, early);
    bytes.erase(0, early);
  }
  inner.bytes = bytes.starts_with(newc_magic) ? std::move(bytes) : CFS_TRY(decompress(bytes));
  CFS_TRY(check_inner_archive(inner.bytes));
  return inner;
}

Result<InnerArchive> load_inner_archive(const std::string& file) {
  return CFS_TRY_IN(parse_inner_archive(CFS_TRY_IN(read_input(file), printable(file))), printable(file));
}

}  // namespace cfs
