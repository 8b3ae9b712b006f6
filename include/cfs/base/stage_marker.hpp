// SPDX-License-Identifier: Apache-2.0
// The stages of a boot, and an instruction that marks the end of one for an emulator that counts
// (qemu/instructions).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cfs {

// In the order in which a boot ends them. Names are part of boot.json and of what qemu/bench writes; numbers
// are between the marker and the plugin of one build.
enum class Stage : std::uint8_t {
  // Recognised by the plugin from outside.
  kernel_entry,  // first instruction of the kernel's image: its firmware is done
  kernel_start,  // start_kernel(): the kernel is decompressed
  init_exec,     // the kernel has started, and executes /init
  init_entry,    // first instruction of user space in /init
  // Marked by composefs-root, and timed in boot.json up to `detach`.
  kernel_file_systems,
  policy,
  modules,
  store_device,
  store_mount,
  verify,   // a signed manifest is accepted and the image it names measured
  compose,  // the image is mounted and the root composed of it
  state,
  detach,
  attached,     // visible at its mount point
  switch_root,  // the next instruction executes the root's init
  // After that.
  root_init,  // recognised by the plugin: systemd of the root begins, linked and in its own code
  early_service,
  basic_target,
  multi_user_target,
  // Marked by cfs-files (qemu/instructions), where it is the root's init.
  files_begin,   // memory holds nothing of a file
  files_listed,  // each file of /usr is looked at
  files_relisted,
  files_again,  // memory holds nothing of a file
  files_read,
};

inline constexpr std::array<std::string_view, 24> stage_names{
    "kernel-entry", "kernel-start",   "init-exec",    "init-entry",        "kernel-file-systems",
    "policy",       "modules",        "store-device", "store-mount",       "verify",
    "compose",      "state",          "detach",       "attached",          "switch-root",
    "root-init",    "early-service",  "basic.target", "multi-user.target", "files-begin",
    "files-listed", "files-relisted", "files-again",  "files-read"};
static_assert(stage_names.size() == static_cast<std::size_t>(Stage::files_read) + 1);

[[nodiscard]] constexpr std::string_view name(Stage stage) noexcept {
  return stage_names[static_cast<std::size_t>(stage)];
}

[[nodiscard]] constexpr std::optional<Stage> stage_by_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < stage_names.size(); ++i) {
    if (stage_names[i] == text) {
      return static_cast<Stage>(i);
    }
  }
  return std::nullopt;
}

// The marker on x86-64: NOP with an operand at rip + displacement, which no processor looks at. Its last four
// bytes are the displacement, little-endian: the magic number, and the stage in the lowest byte.
inline constexpr std::array<std::uint8_t, 3> marker_opcode{0x0f, 0x1f, 0x05};
inline constexpr std::uint32_t marker_magic = 0x63667300;  // "cfs"

// Says that this stage has ended. Costs one instruction that does nothing, and none on other processors.
template <Stage stage>
inline void mark_stage() noexcept {
#ifdef __x86_64__
  asm volatile(".byte 0x0f, 0x1f, 0x05\n\t.long %c0"
               :
               : "i"(marker_magic | static_cast<std::uint32_t>(stage))
               : "memory");
#endif
}

}  // namespace cfs
