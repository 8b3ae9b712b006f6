// SPDX-License-Identifier: Apache-2.0
// A whole initramfs: composefs-root as /init, what it trusts, and the kernel modules that it loads.
//
//   /init                              the program
//   /etc/composefs-root/policy.toml    the policy
//   /etc/composefs-root/keys/*.pub     the public keys
//   /usr/lib/composefs-root/modules    the files to load: see load_modules()
//   /usr/lib/modules/RELEASE/…         those files, decompressed
//   /usr/lib/composefs-root/inner.cpio systemd's initrd, where it boots by one
//   /dev/console                       which the kernel opens for /init before anything is mounted
//   /dev /proc /sys /run /sysroot      mount points
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/initramfs/cpio.hpp"
#include "cfs/initramfs/module_tree.hpp"

namespace cfs {

// The modules that an initramfs loads as far as they are not built in, in two rounds. First the sha256
// implementations for the processor, where the kernel has any: fs-verity keeps to the fastest it finds when
// it opens its first file, and the modules that follow are checked by it. A processor may lack what such a
// module needs; it then refuses to load (ENODEV), and the boot goes on without it. Then `required`, which the
// store's device needs, erofs, overlay and ext4, and loop for kernels before 6.12, which cannot mount an
// EROFS file directly; for a newer kernel that was built without CONFIG_EROFS_FS_BACKED_BY_FILE, `required`
// must name it. Code::module_failed naming a module that the kernel does not have.
[[nodiscard]] Result<std::array<ModuleNames, 2>> initramfs_modules(const ModuleTree& tree,
                                                                   std::span<const std::string> required);

// What becomes of the signatures that are appended to modules.
enum class ModuleSignatures : std::uint8_t {
  kept,
  stripped,  // for a kernel that loads unsigned modules, in a boot chain that vouches for the initramfs
};

struct InitramfsInput {
  std::string program;  // the file composefs-root, statically linked
  std::string policy;   // the file policy.toml
  std::string keys;     // the directory of *.pub
  std::string
      modules;  // ROOTFS/lib/modules/KVER; empty: none, for a kernel or an inner archive that has them
  std::vector<std::string> required;
  std::vector<std::string> left_out{};  // soft dependencies
  ModuleSignatures signatures = ModuleSignatures::kept;
  std::string inner{};  // the bytes of an inner archive: see inner_archive.hpp; empty: none
};

// Reads it all and puts it together. Policy and keys are parsed as the boot will parse them, so that what
// would not boot is refused here: also a policy whose threshold these keys cannot reach.
// Code::policy_missing, policy_malformed, key_missing, key_malformed, module_failed, not_found, io_error;
// Code::unsupported_input for a program that is not a static executable.
[[nodiscard]] Result<Cpio> make_initramfs(const InitramfsInput& input);

}  // namespace cfs
