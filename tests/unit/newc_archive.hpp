// SPDX-License-Identifier: Apache-2.0
// Newc cpio archives for tests, as GNU cpio writes them unless told otherwise.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace cfs {

struct ArchiveEntry {
  std::string name;
  unsigned mode = 0100644;
  std::string contents{};
  unsigned inode = 0;
  unsigned names = 1;
  unsigned uid = 0;
  unsigned gid = 0;
  unsigned device_major = 0;
  unsigned device_minor = 0;
};

inline std::string newc_entry(const ArchiveEntry& entry) {
  std::array<char, 111> header{};
  (void)std::snprintf(header.data(), header.size(),
                      "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", entry.inode, entry.mode,
                      entry.uid, entry.gid, entry.names, 0U, entry.contents.size(), 0U, 0U,
                      entry.device_major, entry.device_minor, entry.name.size() + 1, 0U);
  std::string bytes(header.data(), 110);
  bytes.append(entry.name).append(1, '\0');
  bytes.resize((bytes.size() + 3) / 4 * 4);
  bytes += entry.contents;
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

// With its trailer.
template <class Entries = std::initializer_list<ArchiveEntry>>
std::string newc_archive(const Entries& entries) {
  std::string bytes;
  for (const ArchiveEntry& entry : entries) {
    bytes += newc_entry(entry);
  }
  return bytes + newc_entry({.name = "TRAILER!!!", .mode = 0});
}

}  // namespace cfs
