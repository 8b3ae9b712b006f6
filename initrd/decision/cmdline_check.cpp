// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/cmdline_check.hpp"

#include <algorithm>
#include <array>

#include "cfs/base/digest.hpp"
#include "cfs/base/text.hpp"
#include "cfs/base/words.hpp"
#include "cfs/store/store.hpp"
#include "cfs/trust/device_spec.hpp"

namespace cfs {

namespace {

constexpr auto allowed = std::to_array<AllowedWord>({
    {"composefs.store", WordForm::device, "the store's device"},
    {"composefs.image", WordForm::manifest_or_digest, "the image to try first"},
    {"composefs.slot", WordForm::slot, "the slot to try first"},
    {"root", WordForm::device, "the store's device, unless composefs.store= names one"},
    {"init", WordForm::program, "the program to execute, one of the manifest's"},
    {"ro", WordForm::alone, "no effect: the root is read-only"},
    {"rw", WordForm::alone, "no effect: the root is read-only"},
    {"rootwait", WordForm::alone_or_number, "no effect: the policy says how long to wait for the store"},
    {"console", WordForm::console, "where the kernel and init write"},
    {"quiet", WordForm::alone, "fewer messages on the console"},
    {"debug", WordForm::alone, "more messages on the console"},
    {"loglevel", WordForm::number, "which messages the console shows"},
    {"ignore_loglevel", WordForm::alone, "all messages on the console"},
    {"printk.time", WordForm::boolean, "times before the kernel's messages"},
    {"systemd.log_level", WordForm::systemd_log_level, "how much systemd says"},
    {"rd.systemd.log_level", WordForm::systemd_log_level, "how much systemd says in the initrd"},
    {"systemd.show_status", WordForm::boolean, "systemd's messages on the console"},
    {"rd.systemd.show_status", WordForm::boolean, "systemd's messages on the console in the initrd"},
    {"panic", WordForm::number, "seconds until the kernel reboots after it has panicked"},
    {"BOOT_IMAGE", WordForm::kernel_file, "where the loader has found the kernel"},
    {"initrd", WordForm::efi_file, "where the loader or the kernel's EFI stub finds the initramfs"},
    // What closes doors in the copy of the command line (doors.hpp), which kexec --reuse-cmdline hands on.
    {"systemd.sysext", WordForm::off, "closes a door"},
    {"rd.systemd.sysext", WordForm::off, "closes a door"},
    {"systemd.confext", WordForm::off, "closes a door"},
    {"rd.systemd.confext", WordForm::off, "closes a door"},
    {"systemd.gpt_auto", WordForm::off, "closes a door"},
    {"rd.systemd.gpt_auto", WordForm::off, "closes a door"},
    {"noresume", WordForm::alone, "closes a door"},
    {"systemd.import_credentials", WordForm::off, "closes a door"},
});

// What makes systemd mount another root in the place of ours, or over it, whoever wrote the command line.
constexpr auto other_roots = std::to_array<std::string_view>({"roothash", "usrhash", "systemd.volatile"});
constexpr auto off_values = std::to_array<std::string_view>({"0", "no", "false", "off"});

constexpr std::string_view own_prefix = "composefs.";

bool one_of(std::span<const std::string_view> words, std::string_view word) noexcept {
  return std::ranges::find(words, word) != words.end();
}

bool is_number(std::string_view text) noexcept {
  if (text.starts_with('-')) {
    text.remove_prefix(1);
  }
  return parse_decimal<std::uint32_t>(text).has_value();
}

// A console that is named by its address (uart8250,mmio,0x…) would have the kernel write to any address.
bool is_console(std::string_view value) noexcept {
  const auto device = value.substr(0, value.find(','));
  const bool known = device.starts_with("tty") || device.starts_with("hvc") || device.starts_with("sclp");
  const auto is_alphanumeric = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  const auto options = value.substr(std::min(device.size() + 1, value.size()));
  return known && std::ranges::all_of(device, is_alphanumeric) &&
         std::ranges::all_of(options, is_alphanumeric);
}

// PATH of plain characters, which may begin with a drive: (hd0,gpt2)/boot/vmlinuz.
bool is_kernel_file(std::string_view value) noexcept {
  if (value.starts_with('(')) {
    const auto drive = value.substr(1, value.find(')') == std::string_view::npos ? 0 : value.find(')') - 1);
    if (!is_plain_word(drive)) {
      return false;
    }
    value.remove_prefix(drive.size() + 2);
  }
  return is_plain_word(value);
}

// To systemd a backslash takes what follows literally: a blank, say, so that the next word belongs to this
// one.
bool is_efi_file(std::string_view value) noexcept {
  if (value.find("\\\\") != std::string_view::npos || value.ends_with('\\')) {
    return false;
  }
  std::string path(value);
  std::ranges::replace(path, '\\', '/');
  return is_plain_word(path);
}

bool fits(WordForm form, const std::optional<std::string>& value) {
  constexpr auto booleans =
      std::to_array<std::string_view>({"0", "1", "yes", "no", "true", "false", "on", "off"});
  constexpr auto log_levels = std::to_array<std::string_view>({"debug", "info", "notice"});
  if (!value) {
    return form == WordForm::alone || form == WordForm::alone_or_number || form == WordForm::boolean;
  }
  switch (form) {
    case WordForm::alone:
      return false;
    case WordForm::number:
    case WordForm::alone_or_number:
      return is_number(*value);
    case WordForm::boolean:
      return one_of(booleans, *value);
    case WordForm::off:
      return one_of(off_values, *value);
    case WordForm::systemd_log_level:
      return one_of(log_levels, *value);
    case WordForm::console:
      return is_console(*value);
    case WordForm::device:
      return DeviceSpec::parse(*value).has_value() && is_plain_word(*value);
    case WordForm::manifest_or_digest:
      return is_manifest_name(*value) || Digest::parse(*value).has_value();
    case WordForm::slot:
      return is_slot_name(*value);
    case WordForm::program:
      return value->starts_with('/') && is_plain_word(*value);
    case WordForm::kernel_file:
      return is_kernel_file(*value);
    case WordForm::efi_file:
      return is_efi_file(*value);
  }
  return false;
}

// Whether the form of a word says which bytes may be in it, when they are not all plain.
bool has_own_alphabet(WordForm form) noexcept {
  return form == WordForm::kernel_file || form == WordForm::efi_file;
}

std::string_view without_rd(std::string_view name) noexcept {
  return name.starts_with("rd.") ? name.substr(3) : name;
}

bool asks_for_another_root(const Parameter& parameter) {
  // systemd drops "rd." in an initrd.
  return std::ranges::any_of(
             other_roots,
             [&](std::string_view other) { return same_parameter(without_rd(parameter.name), other); }) &&
         !(parameter.value && same_parameter(without_rd(parameter.name), "systemd.volatile") &&
           one_of(off_values, *parameter.value));
}

bool is_ours(const Parameter& parameter) {
  const std::string_view name = parameter.name;
  return same_parameter(name.substr(0, own_prefix.size()), own_prefix) || name == "composefs";
}

const AllowedWord* find_allowed(const Parameter& parameter) {
  const auto* const found = std::ranges::find_if(
      allowed, [&](const AllowedWord& word) { return same_parameter(parameter.name, word.name); });
  return found == allowed.end() ? nullptr : found;
}

bool matches_any(const std::vector<WordPattern>& patterns, const Parameter& parameter) {
  return std::ranges::any_of(patterns,
                             [&](const WordPattern& pattern) { return pattern.matches(parameter); });
}

struct Judgement {
  Verdict verdict;
  std::string reason;
};

Judgement refused(std::string_view why) {
  return {Verdict::refused, std::string(why)};
}

// `word` is as written, and `parameter` what the kernel makes of it.
Judgement judge(std::string_view word, const Parameter& parameter, const Policy& policy) {
  const AllowedWord* const listed = find_allowed(parameter);
  if (asks_for_another_root(parameter)) {
    return refused("it asks systemd for another root than the verified one");
  }
  if (is_ours(parameter) && listed == nullptr) {
    return refused("it is not a parameter that this version knows");
  }
  const bool fitting = listed != nullptr && fits(listed->form, parameter.value);
  if (policy.cmdline.trust == CmdlineTrust::untrusted_cmdline &&
      !(is_plain_word(word) || (fitting && has_own_alphabet(listed->form)))) {
    return refused("it holds characters that a shell or another parser acts on");
  }
  if (is_ours(parameter) && !fitting) {
    return refused(cat("it must be ", listed->name, form_text(listed->form)));
  }
  if (matches_any(policy.cmdline.hide, parameter)) {
    return {Verdict::hidden, "by the policy's cmdline.hide: the kernel alone sees it"};
  }
  if (policy.cmdline.trust == CmdlineTrust::signed_cmdline) {
    return {Verdict::allowed, "the policy says that the command line is signed"};
  }
  if (fitting) {
    return {Verdict::allowed, std::string(listed->purpose)};
  }
  if (matches_any(policy.cmdline.allow, parameter)) {
    return {Verdict::opened, "by the policy's cmdline.allow"};
  }
  if (listed != nullptr) {
    return refused(
        cat("it must be ", listed->name, form_text(listed->form), " on an untrusted command line"));
  }
  return refused("it is not allowed on an untrusted command line; the policy's cmdline.allow can open it");
}

constexpr auto verdict_words = std::to_array<Word<Verdict>>({{Verdict::allowed, "allowed"},
                                                             {Verdict::opened, "opened"},
                                                             {Verdict::hidden, "hidden"},
                                                             {Verdict::refused, "refused"}});

}  // namespace

std::span<const AllowedWord> allowed_words() noexcept {
  return allowed;
}

std::string_view form_text(WordForm form) noexcept {
  switch (form) {
    case WordForm::alone:
      return "";
    case WordForm::number:
      return "=NUMBER";
    case WordForm::alone_or_number:
      return "[=NUMBER]";
    case WordForm::boolean:
      return "[=BOOLEAN]";
    case WordForm::off:
      return "=0|no|false|off";
    case WordForm::systemd_log_level:
      return "=debug|info|notice";
    case WordForm::console:
      return "=TTY[,OPTIONS]";
    case WordForm::device:
      return "=DEVICE";
    case WordForm::manifest_or_digest:
      return "=NAME|DIGEST";
    case WordForm::slot:
      return "=SLOT";
    case WordForm::program:
    case WordForm::kernel_file:
    case WordForm::efi_file:
      return "=PATH";
  }
  return "";
}

std::string_view name(Verdict verdict) noexcept {
  return word_of(verdict_words, verdict);
}

std::vector<JudgedWord> judge_cmdline(std::string_view text, const Policy& policy) {
  std::vector<JudgedWord> judged;
  // Not Cmdline::parse() for an untrusted line: a quote, or a blank that only some take for one, is part of a
  // word here, which is refused for it.
  if (policy.cmdline.trust == CmdlineTrust::signed_cmdline) {
    const auto cmdline = Cmdline::parse(text);
    for (const Parameter& parameter : cmdline.parameters()) {
      std::string word = cat(parameter.name, parameter.value ? "=" : "", parameter.value.value_or(""));
      auto [verdict, reason] = judge(word, parameter, policy);
      judged.push_back({std::move(word), verdict, std::move(reason)});
    }
    return judged;
  }
  constexpr std::string_view blanks = " \t\n";
  for (std::size_t begin = text.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(blanks, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    auto [verdict, reason] = judge(word, parse_parameter(word), policy);
    judged.push_back({std::string(word), verdict, std::move(reason)});
    begin = text.find_first_not_of(blanks, end);
  }
  return judged;
}

Result<> check_cmdline(std::string_view text, const Policy& policy) {
  for (const JudgedWord& word : judge_cmdline(text, policy)) {
    if (word.verdict == Verdict::refused) {
      return fail(Code::parameter_refused, cat(printable(word.word), ": ", word.reason));
    }
  }
  return {};
}

}  // namespace cfs
