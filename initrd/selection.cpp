#include "cfs/selection.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "cfs/store.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

enum class Match : std::uint8_t {
  name,            // this name, with any value or none
  prefix,          // every name that begins so
  word,            // this name without a value
  switch_on,       // this name, unless its value says off
  systemd_options  // this name, with options that systemd acts on: x-systemd.…, comment=systemd.…
};

struct RefusedParameter {
  std::string_view name;
  Match match = Match::name;
};

// What an untrusted command line may not carry: see kernel-command-line(7), systemd(1), dracut.cmdline(7) and
// the kernel's admin-guide/kernel-parameters. Each is meant with "rd." before it, too: systemd drops that in
// an initrd.
constexpr auto refused_parameters = std::to_array<RefusedParameter>({
    // File systems that no digest covers, mounted over or below the root (fstab, gpt-auto and veritysetup
    // generators, dracut's overlay and live modules).
    {"mount.usr", Match::prefix},
    {"usrhash"},
    {"systemd.verity", Match::prefix},
    {"systemd.image_policy"},
    {"systemd.allow_userspace_verity"},
    {"systemd.mount", Match::prefix},
    {"systemd.swap-extra"},
    {"rootflags", Match::systemd_options},
    {"rd.overlay", Match::prefix},
    {"rd.live.", Match::prefix},
    {"netroot"},
    // Images that systemd-import fetches and runs.
    {"systemd.pull"},
    // Memory that another boot, or anyone with the disk, has written.
    {"resume"},
    // Shells without a login.
    {"systemd.debug_shell", Match::switch_on},
    {"systemd.crash_shell", Match::switch_on},
    {"systemd.break"},
    {"rd.break"},
    {"rd.shell", Match::switch_on},
    {"rd.cmdline"},
    // Programs and units of the command line's choice, or without those that guard the root.
    {"systemd.run", Match::prefix},
    {"systemd.wants"},
    {"systemd.unit"},
    {"systemd.mask"},
    // Words that make systemd boot its rescue or emergency shell, as sysvinit did.
    {"rescue", Match::word},
    {"emergency", Match::word},
    {"single", Match::word},
    {"s", Match::word},
    {"S", Match::word},
    {"1", Match::word},
    {"-b", Match::word},
    // Credentials can hold units, mounts, users and passwords.
    {"systemd.set_credential", Match::prefix},
    {"systemd.import_credentials"},
    // The environment of every service; and of init, to which the kernel passes what it does not know.
    {"systemd.setenv"},
    {"LD_", Match::prefix},
    {"SYSTEMD_", Match::prefix},
    // Programs that the kernel itself runs (core_pattern, modprobe), and where it takes firmware from.
    {"sysctl.", Match::prefix},
    {"sysctl/", Match::prefix},
    {"firmware_class.path"},
});

// What makes systemd mount another root in the place of ours, or over it, whoever wrote the command line.
constexpr auto conflicting_parameters =
    std::to_array<RefusedParameter>({{"roothash"}, {"systemd.volatile", Match::switch_on}});

constexpr auto off_values = std::to_array<std::string_view>({"0", "no", "n", "false", "f", "off"});

bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return same_parameter(name.substr(0, prefix.size()), prefix);
}

bool matches(const RefusedParameter& refused, std::string_view name, const Parameter& parameter) {
  switch (refused.match) {
    case Match::name:
      return same_parameter(name, refused.name);
    case Match::prefix:
      return has_prefix(name, refused.name);
    case Match::word:
      return !parameter.value && same_parameter(name, refused.name);
    case Match::switch_on:
      return same_parameter(name, refused.name) &&
             (!parameter.value ||
              std::find(off_values.begin(), off_values.end(), *parameter.value) == off_values.end());
    case Match::systemd_options:
      return same_parameter(name, refused.name) && parameter.value &&
             parameter.value->find("systemd.") != std::string::npos;
  }
  return true;
}

bool matches_any(std::span<const RefusedParameter> table, const Parameter& parameter) {
  const std::string_view name = parameter.name;
  const auto in_initrd = name.starts_with("rd.") ? name.substr(3) : name;
  return std::any_of(table.begin(), table.end(), [&](const RefusedParameter& refused) {
    return matches(refused, name, parameter) || matches(refused, in_initrd, parameter);
  });
}

Result<> check_conflicts(const Cmdline& cmdline) {
  for (const Parameter& parameter : cmdline.parameters()) {
    if (matches_any(conflicting_parameters, parameter)) {
      return fail(Code::parameter_refused,
                  cat(printable(parameter.name), " asks systemd for another root than the verified one"));
    }
  }
  return {};
}

Result<> check_untrusted(const Cmdline& cmdline) {
  for (const Parameter& parameter : cmdline.parameters()) {
    if (matches_any(refused_parameters, parameter)) {
      return fail(Code::parameter_refused,
                  cat(printable(parameter.name), " is not allowed on an untrusted command line"));
    }
    // systemd takes apostrophes for quotes and backslashes for escapes, the kernel does not: such a word
    // could be another parameter to it than it is here.
    if (cat(parameter.name, parameter.value.value_or("")).find_first_of("'\\") != std::string::npos) {
      return fail(Code::parameter_refused,
                  cat(printable(parameter.name),
                      ": a word with ' or \\ is not allowed on an untrusted command line"));
    }
  }
  return {};
}

constexpr std::string_view own_prefix = "composefs.";
constexpr auto own_parameters =
    std::to_array<std::string_view>({"composefs.store", "composefs.image", "composefs.slot"});

// A parameter of ours that is misspelt, or that only another version knows, must not pass silently.
Result<> check_own(const Cmdline& cmdline) {
  for (const Parameter& parameter : cmdline.parameters()) {
    const std::string_view name = parameter.name;
    if (!has_prefix(name, own_prefix) && name != "composefs") {
      continue;
    }
    const bool known = std::any_of(own_parameters.begin(), own_parameters.end(),
                                   [&](std::string_view own) { return same_parameter(name, own); });
    if (!known) {
      return fail(Code::parameter_refused,
                  cat(printable(name), " is not a parameter that this version knows"));
    }
    if (!parameter.value || parameter.value->empty()) {
      return fail(Code::parameter_refused, cat(printable(name), " has no value"));
    }
  }
  return {};
}

Result<DeviceSpec> select_store(const Cmdline& cmdline, const Policy& policy) {
  std::string_view name = own_parameters[0];
  auto value = cmdline.value(name);
  if (!value) {
    name = "root";
    value = cmdline.value(name);
    // gpt-auto, fstab, off and whatever else is a keyword to systemd has neither.
    if (!value || value->find_first_of("=/") == std::string::npos) {
      return policy.store;
    }
  }
  auto device = DeviceSpec::parse(*value);
  if (!device) {
    return fail(Code::parameter_refused, cat(name, "=: ", device.error().what()));
  }
  return device;
}

}  // namespace

Result<> select_image(const std::string& value, Selection& selection) {
  if (is_manifest_name(value)) {
    selection.image = value;
    return {};
  }
  const auto digest = Digest::parse(value);
  if (!digest) {
    return fail(Code::parameter_refused,
                cat("composefs.image=", printable(value), " is neither a manifest's name nor a digest"));
  }
  selection.image_digest = *digest;
  return {};
}

Result<> select_slot(const std::string& value, Selection& selection) {
  if (!is_slot_name(value)) {
    return fail(Code::parameter_refused, cat("composefs.slot=", printable(value), " is not a slot"));
  }
  selection.slot = value;
  return {};
}

Result<Selection> select(const Cmdline& cmdline, const Policy& policy) {
  CFS_TRY(check_own(cmdline));
  CFS_TRY(check_conflicts(cmdline));
  if (policy.cmdline.trust == CmdlineTrust::untrusted_cmdline) {
    CFS_TRY(check_untrusted(cmdline));
  }
  Selection selection;
  selection.store = CFS_TRY(select_store(cmdline, policy));
  if (const auto image = cmdline.value("composefs.image")) {
    CFS_TRY(select_image(*image, selection));
  }
  if (const auto slot = cmdline.value("composefs.slot")) {
    CFS_TRY(select_slot(*slot, selection));
  }
  selection.init = cmdline.value("init");
  return selection;
}

}  // namespace cfs
