// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/cpio.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <memory>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// With the window of this level, 8 MiB, far below the 128 MiB that the kernel's decompressor accepts.
constexpr const char* zstd_level = "19";
constexpr const char* gzip_level = "9";

struct WriterDeleter {
  void operator()(archive* writer) const noexcept { archive_write_free(writer); }
};

struct EntryDeleter {
  void operator()(archive_entry* entry) const noexcept { archive_entry_free(entry); }
};

// Whether the filter is there. Without a time in its header, which would be that of the call.
bool compress(archive* writer, Compression compression) {
  switch (compression) {
    case Compression::zstd:
      return archive_write_add_filter_zstd(writer) == ARCHIVE_OK &&
             archive_write_set_filter_option(writer, "zstd", "compression-level", zstd_level) == ARCHIVE_OK;
    case Compression::gzip:
      return archive_write_add_filter_gzip(writer) == ARCHIVE_OK &&
             archive_write_set_filter_option(writer, "gzip", "compression-level", gzip_level) == ARCHIVE_OK &&
             archive_write_set_filter_option(writer, "gzip", "timestamp", nullptr) == ARCHIVE_OK;
    case Compression::none:
      return true;
  }
  return false;
}

}  // namespace

void Cpio::add(const std::string& path, CpioEntry entry) {
  if (const auto slash = path.rfind('/'); slash != std::string::npos) {
    add_directory(path.substr(0, slash));
  }
  entries_.insert_or_assign(path, std::move(entry));
}

// As deep as the path. NOLINTNEXTLINE(misc-no-recursion)
void Cpio::add_directory(const std::string& path) {
  add(path, {.mode = S_IFDIR | 0755, .device = 0, .contents = {}});
}

void Cpio::add_file(const std::string& path, std::string contents, mode_t permissions) {
  add(path, {.mode = S_IFREG | permissions, .device = 0, .contents = std::move(contents)});
}

void Cpio::add_device(const std::string& path, dev_t device, mode_t permissions) {
  add(path, {.mode = S_IFCHR | permissions, .device = device, .contents = {}});
}

Result<> Cpio::write(const Fd& file, std::uint32_t mtime, Compression compression) const {
  const std::unique_ptr<archive, WriterDeleter> writer(archive_write_new());
  const auto failed = [&] {
    return fail_errno(Code::io_error, "write the initramfs", archive_errno(writer.get()));
  };
  if (archive_write_set_format_cpio_newc(writer.get()) != ARCHIVE_OK ||
      !compress(writer.get(), compression) ||
      archive_write_set_bytes_in_last_block(writer.get(), 1) != ARCHIVE_OK ||
      archive_write_open_fd(writer.get(), file.get()) != ARCHIVE_OK) {
    return failed();
  }
  const std::unique_ptr<archive_entry, EntryDeleter> header(archive_entry_new());
  std::int64_t inode = 0;
  for (const auto& [path, entry] : entries_) {
    archive_entry_clear(header.get());
    archive_entry_set_pathname(header.get(), path.c_str());
    archive_entry_set_mode(header.get(), entry.mode);
    archive_entry_set_ino64(header.get(), ++inode);
    archive_entry_set_nlink(header.get(), S_ISDIR(entry.mode) ? 2 : 1);
    archive_entry_set_mtime(header.get(), mtime, 0);
    archive_entry_set_rdev(header.get(), entry.device);
    archive_entry_set_size(header.get(), static_cast<std::int64_t>(entry.contents.size()));
    const int status = archive_write_header(writer.get(), header.get());
    if (status == ARCHIVE_FAILED) {  // the entry's fault, not the file's
      return fail(Code::unsupported_input, cat(printable(path), ": ", archive_error_string(writer.get())));
    }
    if (status != ARCHIVE_OK) {
      return failed();
    }
    if (const auto size = static_cast<la_ssize_t>(entry.contents.size());
        size > 0 && archive_write_data(writer.get(), entry.contents.data(), entry.contents.size()) != size) {
      return failed();
    }
  }
  return archive_write_close(writer.get()) == ARCHIVE_OK ? Result<>() : failed();
}

}  // namespace cfs
