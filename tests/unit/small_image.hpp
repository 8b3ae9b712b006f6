// SPDX-License-Identifier: Apache-2.0
// An EROFS image of a few files, and the word of a manifest for it, for tests of what is mounted of an image.
#pragma once

#include <fcntl.h>

#include <map>
#include <string>
#include <string_view>

#include "cfs/trust/verify.hpp"
#include "unit/signer.hpp"

namespace cfs {

// One block with a root directory of empty directories ("") and files, all root's: struct erofs_super_block,
// erofs_inode_compact and erofs_dirent of Linux's fs/erofs/erofs_fs.h.
inline std::string small_image(const std::map<std::string, std::string>& files) {
  std::string bytes(4096, '\0');
  const auto put = [&](std::size_t offset, std::uint64_t number, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      bytes[offset + i] = static_cast<char>(number >> 8 * i);
    }
  };
  constexpr std::size_t super = 1024;
  constexpr std::size_t slot = 32;
  constexpr std::uint64_t root = (super + 128) / slot;
  put(super, 0xE0F5E1E2, 4);
  put(super + 12, 12, 1);  // blocks of 4096 bytes
  put(super + 14, root, 2);
  put(super + 16, files.size() + 1, 8);
  put(super + 36, 1, 4);  // blocks
  std::size_t next = root;
  const auto add_inode = [&](unsigned mode, const std::string& contents) {
    const std::size_t at = next * slot;
    put(at, 4, 2);  // compact, its contents behind it
    put(at + 4, mode, 2);
    put(at + 6, (mode & S_IFMT) == S_IFDIR ? 2 : 1, 2);
    put(at + 8, contents.size(), 4);
    put(at + 20, next, 4);
    bytes.replace(at + slot, contents.size(), contents);
    const std::uint64_t number = next;
    next += 1 + (contents.size() + slot - 1) / slot;
    return number;
  };
  const auto directory = [](const std::map<std::string, std::pair<std::uint64_t, char>>& entries) {
    std::string heads;
    std::string names;
    for (const auto& [name, entry] : entries) {
      for (std::size_t i = 0; i < 8; ++i) {
        heads += static_cast<char>(entry.first >> 8 * i);
      }
      const std::size_t offset = entries.size() * 12 + names.size();
      heads += {static_cast<char>(offset), static_cast<char>(offset >> 8), entry.second, '\0'};
      names += name;
    }
    return heads + names;
  };
  constexpr char regular = 1;
  constexpr char folder = 2;
  std::map<std::string, std::pair<std::uint64_t, char>> entries{{".", {root, folder}},
                                                                {"..", {root, folder}}};
  for (const auto& [name, contents] : files) {
    entries[name] = {0, regular};
  }
  next = root + 1 + (directory(entries).size() + slot - 1) / slot;
  for (const auto& [name, contents] : files) {
    if (contents.empty()) {
      const std::uint64_t self = next;
      entries[name] = {add_inode(040755, directory({{".", {self, folder}}, {"..", {root, folder}}})), folder};
    } else {
      entries[name] = {add_inode(0100644, contents), regular};
    }
  }
  next = root;
  (void)add_inode(040755, directory(entries));
  return bytes;
}

// The file as an image that measured as its manifest says: here nothing has fs-verity.
inline VerifiedImage verified_image(const std::string& file) {
  const Signer signer(1);
  Manifest manifest;
  manifest.image_id = "demo";
  manifest.version = "1";
  Policy policy;
  policy.image_id = "demo";
  const std::string text = format_manifest(manifest).value();
  const std::vector<PublicKey> keys{signer.key};
  const auto verified = verify_manifest(text, signer.line(text), keys, policy, "").value();
  return verify_image(Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), verified,
                      [&](const Fd&, HashAlgorithm) -> Result<Digest> { return manifest.digest; })
      .value();
}

}  // namespace cfs
