// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/module_tree.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <libkmod.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

struct ListDeleter {
  void operator()(kmod_list* list) const noexcept { kmod_module_unref_list(list); }
};
using ModuleList = std::unique_ptr<kmod_list, ListDeleter>;

struct ModuleDeleter {
  void operator()(kmod_module* module) const noexcept { kmod_module_unref(module); }
};
using Module = std::unique_ptr<kmod_module, ModuleDeleter>;

struct ArchiveDeleter {
  void operator()(archive* reader) const noexcept { archive_read_free(reader); }
};

Result<ModuleList> look_up(kmod_ctx* context, const std::string& module) {
  kmod_list* found = nullptr;
  if (const int error = kmod_module_new_from_lookup(context, module.c_str(), &found); error < 0) {
    return fail_errno(Code::module_failed, cat("look up the module ", printable(module)), error);
  }
  return ModuleList(found);
}

// A module's name as the kernel has it, where people and files may write '-'.
std::string kernel_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Depth first: what a module needs is known when its group is chosen.
class LoadOrder {
 public:
  explicit LoadOrder(std::span<const std::string> left_out) {
    for (const std::string& name : left_out) {
      left_out_.emplace(kernel_name(name), false);
    }
  }

  // How many groups must be loaded for all of these to be there. NOLINTNEXTLINE(misc-no-recursion)
  std::size_t add(kmod_list* modules) {
    std::size_t after = round_;
    kmod_list* entry = nullptr;
    kmod_list_foreach(entry, modules) {
      after = std::max(after, add(Module(kmod_module_get_module(entry))));
    }
    return after;
  }

  void end_round() { round_ = groups_.size(); }

  [[nodiscard]] Result<std::vector<ModuleNames>> take() && {
    for (const auto& [name, met] : left_out_) {
      if (after_.contains(name)) {
        return fail(Code::module_failed, cat("the module ", printable(name),
                                             " cannot be left out: another needs it, or it was asked for"));
      }
      if (!met) {
        return fail(Code::module_failed, cat("the module ", printable(name),
                                             " cannot be left out: none has it as a soft dependency"));
      }
    }
    return std::move(groups_);
  }

 private:
  // NOLINTNEXTLINE(misc-no-recursion)
  std::size_t add_soft(kmod_list* modules) {
    std::size_t after = round_;
    kmod_list* entry = nullptr;
    kmod_list_foreach(entry, modules) {
      const Module module(kmod_module_get_module(entry));
      if (const auto found = left_out_.find(kmod_module_get_name(module.get())); found != left_out_.end()) {
        found->second = true;
      } else {
        after = std::max(after, add(module));
      }
    }
    return after;
  }

  // Recursion ends: every module is entered once. NOLINTNEXTLINE(misc-no-recursion)
  std::size_t add(const Module& module) {
    const auto [known, is_new] = after_.try_emplace(kmod_module_get_name(module.get()), round_);
    if (!is_new) {
      return known->second;
    }
    kmod_list* before = nullptr;
    kmod_list* later = nullptr;
    kmod_module_get_softdeps(module.get(), &before, &later);
    const ModuleList soft_before(before);
    const ModuleList soft_later(later);
    const ModuleList dependencies(kmod_module_get_dependencies(module.get()));
    const std::size_t soft = add_soft(soft_before.get());
    std::size_t group = std::max(soft, add(dependencies.get()));
    // Without a path it is built in.
    if (const char* path = kmod_module_get_path(module.get()); path != nullptr) {
      groups_.resize(std::max(groups_.size(), group + 1));
      groups_[group++].emplace_back(path);
    }
    known->second = group;
    return group;
  }

  std::map<std::string, bool> left_out_;      // and whether one had it as a soft dependency
  std::map<std::string, std::size_t> after_;  // modules, and after how many groups they are there
  std::size_t round_ = 0;                     // its first group
  std::vector<ModuleNames> groups_;
};

}  // namespace

struct ModuleTree::Index {
  struct Deleter {
    void operator()(kmod_ctx* opened) const noexcept { kmod_unref(opened); }
  };
  std::unique_ptr<kmod_ctx, Deleter> context;
};

ModuleTree::ModuleTree(std::string directory, std::string release, std::unique_ptr<Index> index)
    : directory_(std::move(directory)), release_(std::move(release)), index_(std::move(index)) {}
ModuleTree::ModuleTree(ModuleTree&& other) noexcept = default;
ModuleTree::~ModuleTree() = default;

Result<ModuleTree> ModuleTree::open(const std::string& directory) {
  std::error_code error;
  const auto path = std::filesystem::canonical(directory, error);
  if (error || !std::filesystem::is_directory(path, error)) {
    return fail(Code::not_found, cat("there is no module directory ", printable(directory)));
  }
  for (const char* index : {"modules.dep.bin", "modules.builtin.bin"}) {
    if (!std::filesystem::is_regular_file(path / index, error)) {
      return fail(Code::module_failed,
                  cat(printable(directory), " has no ", index, ": it is not the directory of one kernel, or ",
                      "depmod -b ROOTFS ", printable(path.filename().string()), " has not been run"));
    }
  }
  // An empty list, where a null pointer would mean the modprobe.d of this machine.
  const char* const no_configuration = nullptr;
  auto index = std::make_unique<Index>();
  index->context.reset(kmod_new(path.c_str(), &no_configuration));
  if (!index->context || kmod_load_resources(index->context.get()) < 0) {
    return fail(Code::module_failed, cat("cannot read the module index of ", printable(directory)));
  }
  return ModuleTree(path.string(), path.filename().string(), std::move(index));
}

Result<bool> ModuleTree::has(const std::string& module) const {
  return CFS_TRY(look_up(index_->context.get(), module)) != nullptr;
}

Result<std::vector<ModuleNames>> ModuleTree::load_order(std::span<const ModuleNames> rounds,
                                                        std::span<const std::string> left_out) const {
  LoadOrder order(left_out);
  for (const ModuleNames& modules : rounds) {
    for (const std::string& module : modules) {
      const ModuleList found = CFS_TRY(look_up(index_->context.get(), module));
      if (!found) {
        return fail(Code::module_failed, cat("the kernel ", printable(release_), " has no module ",
                                             printable(module), ", neither as a file nor built in"));
      }
      order.add(found.get());
    }
    order.end_round();
  }
  auto groups = CFS_TRY(std::move(order).take());
  for (ModuleNames& files : groups) {
    for (std::string& file : files) {
      if (!file.starts_with(directory_ + '/')) {
        return fail(Code::module_failed, cat(printable(file), " lies outside of ", printable(directory_)));
      }
      file.erase(0, directory_.size() + 1);
    }
  }
  return groups;
}

Result<std::string> ModuleTree::read(const std::string& file) const {
  const std::string path = cat(directory_, '/', file);
  if (::access(path.c_str(), R_OK) != 0) {
    return fail_errno(errno == ENOENT ? Code::not_found : Code::io_error, cat("open ", printable(path)));
  }
  const std::unique_ptr<archive, ArchiveDeleter> reader(archive_read_new());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_format_raw(reader.get());
  const auto damaged = [&] {
    return fail(Code::module_failed, cat("read ", printable(path), ": ", archive_error_string(reader.get())));
  };
  constexpr std::size_t block_size = 128UL * 1024;
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader.get(), path.c_str(), block_size) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return damaged();
  }
  std::string bytes;
  std::array<char, block_size> block;
  for (;;) {
    const auto got = archive_read_data(reader.get(), block.data(), block.size());
    if (got < 0) {
      return damaged();
    }
    if (got == 0) {
      return bytes;
    }
    bytes.append(block.data(), static_cast<std::size_t>(got));
    if (bytes.size() > module_max_bytes) {
      return fail(Code::module_failed, cat(printable(path), " is larger than a module can be"));
    }
  }
}

std::string_view decompressed_name(std::string_view file) noexcept {
  for (const std::string_view ending : {".xz", ".zst", ".gz"}) {
    if (file.ends_with(ending)) {
      return file.substr(0, file.size() - ending.size());
    }
  }
  return file;
}

}  // namespace cfs
