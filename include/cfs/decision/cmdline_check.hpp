// SPDX-License-Identifier: Apache-2.0
// Which words the kernel command line may carry.
//
// Whoever writes an untrusted command line must not weaken what boots: only words of a list pass, and what
// the policy adds to them. What the list says of a word is what the kernel
// (Documentation/admin-guide/kernel-parameters), systemd (kernel-command-line(7)) and boot loaders do with
// it. A word that is not on it is refused by name, whether or not anyone knows what it does.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/trust/cmdline.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// What an allowed word may look like.
enum class WordForm : std::uint8_t {
  alone,               // NAME
  number,              // NAME=NUMBER, which may be negative
  alone_or_number,     // NAME or NAME=NUMBER
  boolean,             // NAME or NAME=0, 1, yes, no, true, false, on or off
  off,                 // NAME=0, no, false or off
  systemd_log_level,   // NAME=debug, info or notice: no less than systemd's default
  console,             // NAME=TTY[,OPTIONS]: a tty, hvc or sclp console, none by its address
  device,              // NAME=DEVICE: see DeviceSpec
  manifest_or_digest,  // NAME=NAME or NAME=DIGEST of an image
  slot,                // NAME=SLOT
  program,             // NAME=PATH, an absolute path
  kernel_file,         // NAME=PATH with a drive of GRUB's: (hd0,gpt2)/vmlinuz
  efi_file,            // NAME=PATH with backslashes: \EFI\linux\initrd
};

struct AllowedWord {
  std::string_view name;
  WordForm form;
  std::string_view purpose;  // a clause for people
};

// The words that every untrusted command line may carry.
[[nodiscard]] std::span<const AllowedWord> allowed_words() noexcept;

// How people write a word of this form: "NAME=NUMBER" without the name, so "=NUMBER", or "" for one that
// stands alone.
[[nodiscard]] std::string_view form_text(WordForm form) noexcept;

enum class Verdict : std::uint8_t {
  allowed,  // by the list, or since the command line is signed
  opened,   // by the policy's cmdline.allow
  hidden,   // by the policy's cmdline.hide: the kernel has it, user space does not get to see it
  refused,
};
[[nodiscard]] std::string_view name(Verdict verdict) noexcept;

struct JudgedWord {
  std::string word;  // as it stands on the command line
  Verdict verdict = Verdict::refused;
  std::string reason;  // a clause for people
};

// The words of a command line as the kernel has them, without its quotes, in order, each with its verdict.
// Pure.
[[nodiscard]] std::vector<JudgedWord> judge_cmdline(std::string_view text, const Policy& policy);

// Code::parameter_refused naming the first word that is refused.
[[nodiscard]] Result<> check_cmdline(std::string_view text, const Policy& policy);

}  // namespace cfs
