// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/policy.hpp"

#include <array>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/base/toml.hpp"

namespace cfs {

namespace {

constexpr auto malformed = Code::policy_malformed;
constexpr std::size_t policy_max_bytes = 64UL * 1024;
constexpr std::uint64_t longest_timeout = 3600;  // seconds
constexpr std::size_t key_id_bytes = 32;         // SHA-256

constexpr auto store_file_systems = std::to_array<std::string_view>({"ext4", "btrfs", "f2fs"});
constexpr auto cmdline_trust_words = std::to_array<Word<CmdlineTrust>>(
    {{CmdlineTrust::untrusted_cmdline, "untrusted"}, {CmdlineTrust::signed_cmdline, "signed"}});
constexpr auto action_words = std::to_array<Word<FailureAction>>({{FailureAction::reboot, "reboot"},
                                                                  {FailureAction::poweroff, "poweroff"},
                                                                  {FailureAction::halt, "halt"}});
constexpr auto root_words =
    std::to_array<Word<RootMode>>({{RootMode::transient, "transient"}, {RootMode::none, "none"}});
constexpr auto any_disk_words = std::to_array<Word<bool>>({{false, "store"}, {true, "any"}});

tl::unexpected<Error> unsupported(std::string_view what) {
  return fail(malformed, cat(what, " is not supported by this version"));
}

Result<DeviceSpec> parse_device(std::string_view key, std::string_view text) {
  auto device = DeviceSpec::parse(text);
  if (!device) {
    return fail(malformed, cat(key, ": ", device.error().what()));
  }
  return device;
}

Result<Policy::Trust> parse_trust(TomlTable table) {
  Policy::Trust trust;
  if (const auto threshold = CFS_TRY(table.number("threshold"))) {
    if (*threshold == 0) {
      return fail(malformed, "trust.threshold must be at least 1: a signature is always required");
    }
    trust.threshold = *threshold;
  }
  if (const auto revoked = CFS_TRY(table.strings("revoked"))) {
    for (const std::string& id : *revoked) {
      const auto bytes = from_hex(id);
      if (!bytes || bytes->size() != key_id_bytes) {
        return fail(malformed, cat("trust.revoked holds \"", printable(id),
                                   "\", which is not a key id of 64 lower-case hexadecimal digits"));
      }
      trust.revoked.insert(id);
    }
  }
  trust.security_version_floor = CFS_TRY(table.number("security-version-floor")).value_or(0);
  if (CFS_TRY(table.boolean("cmdline-digest")).value_or(false)) {
    return unsupported("trust.cmdline-digest = true");
  }
  CFS_TRY(table.finish());
  return trust;
}

// Only the switch exists so far: whoever sets more expects protection that is not there.
Result<> parse_tpm(TomlTable table) {
  if (const auto mode = CFS_TRY(table.string("mode")); mode && *mode != "off") {
    return unsupported(cat("tpm.mode = \"", printable(*mode), "\""));
  }
  if (const auto rest = table.finish(); !rest) {
    return fail(malformed,
                cat(rest.error().what(), ": only tpm.mode = \"off\" is supported by this version"));
  }
  return {};
}

Result<Policy::State> parse_state(TomlTable table) {
  Policy::State state;
  if (const auto device = CFS_TRY(table.string("device"))) {
    if (*device == "store") {
      state.place.on = StatePlace::On::store;
    } else {
      state.place.on = StatePlace::On::device;
      state.place.device = CFS_TRY(parse_device("state.device", *device));
    }
  }
  state.etc = CFS_TRY(table.word("etc", etc_words)).value_or(state.etc);
  state.var = CFS_TRY(table.word("var", var_words)).value_or(state.var);
  state.root = CFS_TRY(table.word("root", root_words)).value_or(state.root);
  if (const auto options = CFS_TRY(table.strings("options"))) {
    for (const std::string& option : *options) {
      if (option == "noexec") {
        state.noexec = true;
      } else if (option == "nosymfollow") {
        state.nosymfollow = true;
      } else {
        return fail(malformed, cat("state.options holds \"", printable(option),
                                   "\", and only \"noexec\" and \"nosymfollow\" are known"));
      }
    }
  }
  state.any_disk = CFS_TRY(table.word("disk", any_disk_words)).value_or(state.any_disk);
  CFS_TRY(table.finish());
  return state;
}

Result<Policy::Failure> parse_failure(TomlTable table) {
  Policy::Failure failure;
  failure.action = CFS_TRY(table.word("action", action_words)).value_or(failure.action);
  failure.shell = CFS_TRY(table.boolean("shell")).value_or(false);
  failure.corruption = CFS_TRY(table.word("corruption", corruption_words)).value_or(failure.corruption);
  if (CFS_TRY(table.number("max-reboots"))) {
    return unsupported("failure.max-reboots");
  }
  CFS_TRY(table.finish());
  return failure;
}

Result<std::vector<WordPattern>> parse_patterns(TomlTable& table, std::string_view key) {
  std::vector<WordPattern> patterns;
  if (const auto texts = CFS_TRY(table.strings(key))) {
    for (const std::string& text : *texts) {
      auto pattern = WordPattern::parse(text);
      if (!pattern) {
        return fail(malformed, cat("cmdline.", key, ": ", pattern.error().what()));
      }
      patterns.push_back(*std::move(pattern));
    }
  }
  return patterns;
}

Result<Policy::KernelCmdline> parse_cmdline(TomlTable table) {
  Policy::KernelCmdline cmdline;
  cmdline.trust = CFS_TRY(table.word("trust", cmdline_trust_words)).value_or(cmdline.trust);
  cmdline.allow = CFS_TRY(parse_patterns(table, "allow"));
  cmdline.hide = CFS_TRY(parse_patterns(table, "hide"));
  CFS_TRY(table.finish());
  return cmdline;
}

Result<Policy::Doors> parse_doors(TomlTable table) {
  Policy::Doors doors;
  for (const auto& [door, key] : door_words) {
    doors.*door = CFS_TRY(table.boolean(key)).value_or(false);
  }
  CFS_TRY(table.finish());
  return doors;
}

Code missing(Code code) noexcept {
  return code == Code::not_found ? Code::policy_missing : code;
}

Result<Policy> parse_file(std::string_view text, const std::string& file) {
  if (text.empty()) {
    return fail(Code::policy_missing, cat(printable(file), " is empty"));
  }
  return CFS_TRY_IN(parse_policy(text), printable(file));
}

}  // namespace

std::string_view name(CmdlineTrust trust) noexcept {
  return word_of(cmdline_trust_words, trust);
}

std::string_view name(FailureAction action) noexcept {
  return word_of(action_words, action);
}

std::string_view name(CorruptionAction action) noexcept {
  return word_of(corruption_words, action);
}

std::string_view name(RootMode mode) noexcept {
  return word_of(root_words, mode);
}

Result<Policy> parse_policy(std::string_view text) {
  TomlTable top = CFS_TRY(TomlTable::parse(text, malformed));
  Policy policy;
  auto image_id = CFS_TRY(top.string("image-id"));
  auto store = CFS_TRY(top.string("store"));
  if (const auto timeout = CFS_TRY(top.number("device-timeout"))) {
    if (*timeout < 1 || *timeout > longest_timeout) {
      return fail(malformed, cat("device-timeout must be 1 to ", longest_timeout, " seconds"));
    }
    policy.device_timeout = std::chrono::seconds(static_cast<std::int64_t>(*timeout));
  }
  if (const auto place = CFS_TRY(top.place_among("store-filesystem", store_file_systems))) {
    policy.store_file_system = store_file_systems[*place];
  }
  if (auto table = CFS_TRY(top.table("trust"))) {
    policy.trust = CFS_TRY(parse_trust(std::move(*table)));
  }
  if (auto table = CFS_TRY(top.table("tpm"))) {
    CFS_TRY(parse_tpm(std::move(*table)));
  }
  if (auto table = CFS_TRY(top.table("state"))) {
    policy.state = CFS_TRY(parse_state(std::move(*table)));
  }
  if (auto table = CFS_TRY(top.table("failure"))) {
    policy.failure = CFS_TRY(parse_failure(std::move(*table)));
  }
  if (auto table = CFS_TRY(top.table("cmdline"))) {
    policy.cmdline = CFS_TRY(parse_cmdline(std::move(*table)));
  }
  if (auto table = CFS_TRY(top.table("doors"))) {
    policy.doors = CFS_TRY(parse_doors(std::move(*table)));
  }
  CFS_TRY(top.finish());
  policy.image_id = CFS_TRY(top.required(std::move(image_id), "image-id"));
  if (policy.image_id.empty()) {
    return fail(malformed, "image-id is empty");
  }
  policy.store = CFS_TRY(parse_device("store", CFS_TRY(top.required(std::move(store), "store"))));
  return policy;
}

Result<Policy> load_policy(const std::string& file) {
  const auto text = read_file(file, policy_max_bytes);
  if (!text) {
    const Code code = text.error().code();
    return fail(code == Code::path_refused ? malformed : missing(code), text.error().what());
  }
  return parse_file(*text, file);
}

Result<Policy> load_policy(const Fd& directory, const std::string& name) {
  const std::string path = cat(name, '/', policy_name);
  const auto file = open_file_beneath(directory, std::string(policy_name));
  if (!file) {
    return fail(missing(file.error().code()), cat(printable(name), ": ", file.error().what()));
  }
  const auto text = read_all(*file, policy_max_bytes);
  if (!text) {
    const Code code = text.error().code();
    return fail(code == Code::path_refused ? malformed : code,
                cat(printable(path), ": ", text.error().what()));
  }
  return parse_file(*text, path);
}

}  // namespace cfs
