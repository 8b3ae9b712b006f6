// SPDX-License-Identifier: Apache-2.0
// A kernel's module tree, ROOTFS/lib/modules/KVER: which files must be loaded, and in what order.
//
// It is read with libkmod from that directory alone; the configuration and the kernel of the machine that
// builds the initramfs have no say.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs {

// Largest module that is read, after decompression.
inline constexpr std::size_t module_max_bytes = 256UL * 1024 * 1024;

using ModuleNames = std::vector<std::string>;

class ModuleTree {
 public:
  // `directory` is one kernel's directory, named by its release. Code::not_found when it is not there,
  // Code::module_failed when depmod(8) has not indexed it.
  [[nodiscard]] static Result<ModuleTree> open(const std::string& directory);

  ModuleTree(ModuleTree&& other) noexcept;
  ModuleTree& operator=(ModuleTree&& other) = delete;
  ModuleTree(const ModuleTree&) = delete;
  ModuleTree& operator=(const ModuleTree&) = delete;
  ~ModuleTree();

  // The kernel's release, as `uname -r` prints it there: the directory's name.
  [[nodiscard]] const std::string& release() const noexcept { return release_; }

  // Whether the kernel has `module` (a name or an alias), as a file or built in. Code::module_failed.
  [[nodiscard]] Result<bool> has(const std::string& module) const;

  // The files, relative to the directory, of modules and of all that must be loaded before them: their
  // dependencies (modules.dep) and soft dependencies (modules.softdep, "pre:"). Each once, in groups to be
  // loaded one after the other: no member of a group needs another one. What is asked for in a round has only
  // groups after those of the rounds before; otherwise each file is in the first group that it can be in, in
  // the order given. What is built in needs no file. Those named in `left_out` are not loaded as soft
  // dependencies.
  // Code::module_failed naming a module that the kernel does not have, or one that cannot be left out:
  // another needs it, or none has it as a soft dependency.
  [[nodiscard]] Result<std::vector<ModuleNames>> load_order(std::span<const ModuleNames> rounds,
                                                            std::span<const std::string> left_out = {}) const;

  // The bytes of a file of load_order(), decompressed (xz, zstd, gzip).
  // Code::not_found, Code::io_error, Code::module_failed when it is damaged or too large.
  [[nodiscard]] Result<std::string> read(const std::string& file) const;

 private:
  struct Index;
  ModuleTree(std::string directory, std::string release, std::unique_ptr<Index> index);

  std::string directory_;  // absolute
  std::string release_;
  std::unique_ptr<Index> index_;
};

// The file's path without the ending that says how it is compressed: "fs/erofs.ko.xz" is "fs/erofs.ko".
[[nodiscard]] std::string_view decompressed_name(std::string_view file) noexcept;

}  // namespace cfs
