// SPDX-License-Identifier: Apache-2.0
// Reading files of limited size, and opening paths that must not lead anywhere else.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// Opens the directory `path` (absolute, or relative to the working directory), following symbolic links: for
// paths that the user or the initramfs names. Code::not_found, Code::io_error.
[[nodiscard]] Result<Fd> open_directory(const std::string& path);

// Opens `path` below `directory` for reading, when it is a regular file that is reached through real
// directories of the same mount: openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
// RESOLVE_NO_MAGICLINKS, never blocking.
// Code::not_found; Code::path_refused for links, ways out, and files of other kinds; Code::io_error.
[[nodiscard]] Result<Fd> open_file_beneath(const Fd& directory, const std::string& path);

// The same for a file or directory that is only named, not read (O_PATH); a symbolic link is refused.
[[nodiscard]] Result<Fd> open_path_beneath(const Fd& directory, const std::string& path);

// The same for a directory, opened with O_PATH where only a starting point is needed.
[[nodiscard]] Result<Fd> open_directory_beneath(const Fd& directory, const std::string& path);

// Names what `path` is for a process whose root directory is `root` (O_PATH): symbolic links are followed,
// and resolved there. Code::not_found, Code::path_refused, Code::io_error.
[[nodiscard]] Result<Fd> open_path_in_root(const Fd& root, const std::string& path);

// The most bytes that Linux lets the target of a symbolic link have.
inline constexpr std::size_t link_target_max = 4095;

// The target of the symbolic link `name` directly in `directory`; nullopt if there is no such entry.
// Code::path_refused if it is not a link or its target is longer than link_target_max.
[[nodiscard]] Result<std::optional<std::string>> read_link(const Fd& directory, const std::string& name);

// Makes the directory `path` unless something of that name is there; the error says "create PATH" and has
// this code, but Code::not_found in place of Code::io_error if what it would lie in is not there.
[[nodiscard]] Result<> create_directory(const std::string& path, mode_t mode = 0755,
                                        Code code = Code::io_error);

// The same below an open directory.
[[nodiscard]] Result<> create_directory(const Fd& parent, const std::string& path, mode_t mode = 0755,
                                        Code code = Code::io_error);

struct ListedEntry {
  std::string name;
  unsigned char type = 0;  // DT_REG and its kin of readdir(3); DT_UNKNOWN where the file system does not say
};

// Calls `visit` for each entry of an open directory, which may be open with O_PATH only, but not for "." and
// "..", in no order, until one call gives false. Code::io_error, also when the directory cannot be read to
// its end.
[[nodiscard]] Result<> visit_entries(const Fd& directory, const std::function<bool(ListedEntry)>& visit);

// All of them, sorted by name.
[[nodiscard]] Result<std::vector<ListedEntry>> list_entries(const Fd& directory);

// The names alone.
[[nodiscard]] Result<std::vector<std::string>> list_directory(const Fd& directory);

// Everything from the descriptor's start, with pread(2): at most `limit` bytes, more is Code::path_refused
// ("larger than N bytes"). Code::io_error.
[[nodiscard]] Result<std::string> read_all(const Fd& file, std::size_t limit);

// Fills `buffer` with what the file has from `offset` on. Code::input_changed if it ends before that,
// Code::io_error.
[[nodiscard]] Result<> read_exactly(const Fd& file, std::uint64_t offset, std::span<char> buffer);

// Opens and reads a file that the user or the initramfs names. For pseudo files such as /proc/cmdline too.
// Code::not_found, Code::io_error, Code::path_refused.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

// Reads at the descriptor's position as much as there is at once, at most what fits into `buffer`, and
// returns how much that was: 0 at the end. Code::io_error.
[[nodiscard]] Result<std::size_t> read_some(const Fd& file, std::span<char> buffer);

// Writes all bytes at the descriptor's position. Code::io_error.
[[nodiscard]] Result<> write_all(const Fd& file, std::string_view bytes);

}  // namespace cfs
