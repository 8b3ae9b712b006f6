// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/initramfs.hpp"

#include <sys/sysmacros.h>

#include <array>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/decision/configuration.hpp"
#include "cfs/decision/initrd_kind.hpp"
#include "cfs/initramfs/executable.hpp"
#include "cfs/initramfs/module_signature.hpp"
#include "cfs/trust/key.hpp"
#include "cfs/trust/policy.hpp"
#include "cfs/trust/verify.hpp"

namespace cfs {

namespace {

// The first kernel that can mount an EROFS file without a loop device.
constexpr std::string_view file_backed_erofs = "6.12";

constexpr std::size_t program_max_bytes = 64UL * 1024 * 1024;
constexpr std::size_t text_max_bytes = 64UL * 1024;

Result<> add_program(Cpio& initramfs, const std::string& file) {
  std::string program = CFS_TRY(read_file(file, program_max_bytes));
  CFS_TRY_IN(check_static_executable(program), printable(file));
  initramfs.add_file("init", std::move(program), 0755);
  return {};
}

Result<> add_trust(Cpio& initramfs, const InitramfsInput& input) {
  const Policy policy = CFS_TRY(load_policy(input.policy));
  const auto keys = CFS_TRY(load_keys(input.keys));
  CFS_TRY_IN(check_threshold(keys, policy.trust), printable(input.keys));
  const std::string place = std::string(initramfs_configuration).substr(1);
  initramfs.add_file(cat(place, '/', policy_name), CFS_TRY(read_file(input.policy, text_max_bytes)));
  for (const std::string& name : CFS_TRY(list_directory(CFS_TRY(open_directory(input.keys))))) {
    if (name.ends_with(".pub")) {
      initramfs.add_file(cat(place, '/', keys_name, '/', name),
                         CFS_TRY(read_file(cat(input.keys, '/', name), text_max_bytes)));
    }
  }
  return {};
}

Result<> add_modules(Cpio& initramfs, const InitramfsInput& input) {
  const ModuleTree tree = CFS_TRY(ModuleTree::open(input.modules));
  const auto modules = CFS_TRY(initramfs_modules(tree, input.required));
  std::string list;
  for (const ModuleNames& group : CFS_TRY(tree.load_order(modules, input.left_out))) {
    list += list.empty() ? "" : "\n";
    for (const std::string& file : group) {
      const std::string path = cat("usr/lib/modules/", tree.release(), '/', decompressed_name(file));
      std::string module = CFS_TRY(tree.read(file));
      if (input.signatures == ModuleSignatures::stripped) {
        CFS_TRY_IN(strip_module_signature(module), printable(file));
      }
      initramfs.add_file(path, std::move(module));
      list += cat('/', path, '\n');
    }
  }
  initramfs.add_file("usr/lib/composefs-root/modules", std::move(list));
  return {};
}

}  // namespace

Result<std::array<ModuleNames, 2>> initramfs_modules(const ModuleTree& tree,
                                                     std::span<const std::string> required) {
  std::array<ModuleNames, 2> rounds;
  auto& [sha256, others] = rounds;
  for (const std::string_view word : split(CFS_SHA256_MODULES, ' ')) {  // as the dracut module has them, too
    std::string module(word);
    if (CFS_TRY(tree.has(module))) {
      sha256.push_back(std::move(module));
    }
  }
  others.assign(required.begin(), required.end());
  others.insert(others.end(), {"erofs", "overlay", "ext4"});
  if (!kernel_at_least(tree.release(), file_backed_erofs)) {
    others.emplace_back("loop");
  }
  return rounds;
}

Result<Cpio> make_initramfs(const InitramfsInput& input) {
  Cpio initramfs;
  for (const char* mount_point : {"dev", "proc", "run", "sys", "sysroot"}) {
    initramfs.add_directory(mount_point);
  }
  initramfs.add_device("dev/console", makedev(5, 1), 0600);
  CFS_TRY(add_program(initramfs, input.program));
  CFS_TRY(add_trust(initramfs, input));
  if (!input.modules.empty()) {
    CFS_TRY(add_modules(initramfs, input));
  }
  if (!input.inner.empty()) {
    initramfs.add_file(std::string(inner_archive).substr(1), input.inner);
  }
  return initramfs;
}

}  // namespace cfs
