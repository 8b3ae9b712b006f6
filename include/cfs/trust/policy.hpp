// SPDX-License-Identifier: Apache-2.0
// What this device accepts: /etc/composefs-root/policy.toml of the initramfs, which is trusted because the
// initramfs is. An absent key means the safe value; an unknown key is an error.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/base/words.hpp"
#include "cfs/trust/cmdline.hpp"
#include "cfs/trust/device_spec.hpp"
#include "cfs/trust/manifest.hpp"

namespace cfs {

enum class CmdlineTrust : std::uint8_t { untrusted_cmdline, signed_cmdline };
[[nodiscard]] std::string_view name(CmdlineTrust trust) noexcept;  // "untrusted", "signed"

enum class FailureAction : std::uint8_t { reboot, poweroff, halt };
[[nodiscard]] std::string_view name(FailureAction action) noexcept;

// What happens when an object of the running image turns out to be missing or another.
enum class CorruptionAction : std::uint8_t { report, reboot };
inline constexpr auto corruption_words = std::to_array<Word<CorruptionAction>>(
    {{CorruptionAction::report, "report"}, {CorruptionAction::reboot, "reboot"}});
[[nodiscard]] std::string_view name(CorruptionAction action) noexcept;

// Whether the root itself can be changed: not at all, or in memory until the next boot, for debugging.
enum class RootMode : std::uint8_t { none, transient };
[[nodiscard]] std::string_view name(RootMode mode) noexcept;

// Where state that persists lies.
struct StatePlace {
  enum class On : std::uint8_t { nothing, store, device };
  On on = On::nothing;
  DeviceSpec device{};  // for On::device
};

struct Policy {
  std::string image_id;  // manifests of other products are refused
  DeviceSpec store;      // where the store is, unless the command line selects another device
  std::chrono::seconds device_timeout{10};
  std::string store_file_system =
      "ext4";  // the only type that the store's device may hold: ext4, btrfs, f2fs

  struct Trust {
    std::uint64_t threshold = 1;    // distinct keys whose signatures a manifest needs; at least 1
    std::set<std::string> revoked;  // key ids (64 hex digits) that never count
    std::uint64_t security_version_floor = 0;
  } trust;

  struct State {
    StatePlace place;                  // device; "store": the store's own file system
    EtcMode etc = EtcMode::transient;  // the loosest that a manifest may ask for: none < transient < overlay
    VarMode var = VarMode::transient;  // likewise: none < transient < bind
    RootMode root = RootMode::none;
    bool any_disk = false;  // disk = "any": the device need not lie on the store's disk
    // Mount options, on top of nodev and nosuid, which are always set.
    bool noexec = false;
    bool nosymfollow = false;
  } state;

  struct Failure {
    FailureAction action = FailureAction::reboot;
    bool shell = false;
    CorruptionAction corruption = CorruptionAction::report;
  } failure;

  struct KernelCmdline {
    CmdlineTrust trust = CmdlineTrust::untrusted_cmdline;
    std::vector<WordPattern> allow;  // what an untrusted command line may carry besides what it always may
    std::vector<WordPattern> hide;   // likewise, and user space does not get to see it
  } cmdline;

  // Ways by which a running system would take code or configuration from outside the verified root. All are
  // closed unless the policy opens them.
  struct Doors {
    bool system_extensions = false;
    bool configuration_extensions = false;
    bool portable_services = false;
    bool machines = false;
    bool gpt_auto = false;  // partitions and swap that their type on the store's disk gives a place
    bool hibernation = false;
    bool credentials = false;  // of the firmware and the boot loader
    bool efi_options = false;  // the EFI variable SystemdOptions
    bool removable_devices = false;
  } doors;
};

// Their keys in the policy's table [doors].
inline constexpr auto door_words = std::to_array<Word<bool Policy::Doors::*>>(
    {{&Policy::Doors::system_extensions, "system-extensions"},
     {&Policy::Doors::configuration_extensions, "configuration-extensions"},
     {&Policy::Doors::portable_services, "portable-services"},
     {&Policy::Doors::machines, "machines"},
     {&Policy::Doors::gpt_auto, "gpt-auto"},
     {&Policy::Doors::hibernation, "hibernation"},
     {&Policy::Doors::credentials, "credentials"},
     {&Policy::Doors::efi_options, "efi-options"},
     {&Policy::Doors::removable_devices, "removable-devices"}});

// Its file, in a directory with a configuration.
inline constexpr std::string_view policy_name = "policy.toml";

// Parses the text of a policy. Code::policy_malformed. What later versions will accept ([tpm] mode other than
// "off", trust.cmdline-digest, failure.max-reboots) is refused by name until it is implemented: half a policy
// would be a weaker one.
[[nodiscard]] Result<Policy> parse_policy(std::string_view text);

// Reads and parses a policy. Code::policy_missing when it is absent or empty; Code::policy_malformed, also
// when it is larger than 64 KiB; Code::io_error.
[[nodiscard]] Result<Policy> load_policy(const std::string& file);

// The same for DIRECTORY/policy.toml. Code::path_refused, too, unless that is a regular file directly in the
// directory: no link, and nothing is mounted over it. Errors call the directory `name`.
[[nodiscard]] Result<Policy> load_policy(const Fd& directory, const std::string& name);

}  // namespace cfs
