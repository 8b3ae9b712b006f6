// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/mount_helper.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/verified_root.hpp"
#include "cfs/decision/initrd_kind.hpp"
#include "cfs/mount/handover.hpp"

namespace cfs {

namespace {

// What mount(8), systemd and fstab(5) say to each other, and what a verified root is anyway.
constexpr auto generic_options = std::to_array<std::string_view>(
    {"ro", "defaults", "auto", "noauto", "nofail", "nouser", "_netdev", "comment"});

struct MountOptionText {
  std::string name;
  std::optional<std::string> value;
};

// NAME[=VALUE],…; double quotes around a value protect commas, as for mount(8).
std::vector<MountOptionText> split_options(std::string_view text) {
  std::vector<MountOptionText> options;
  MountOptionText option;
  bool quoted = false;
  const auto end_option = [&] {
    if (!option.name.empty() || option.value) {
      options.push_back(std::move(option));
    }
    option = {};
  };
  for (const char c : text) {
    if (c == ',' && !quoted) {
      end_option();
    } else if (c == '=' && !option.value) {
      option.value.emplace();
    } else if (c == '"' && option.value) {
      quoted = !quoted;
    } else {
      (option.value ? *option.value : option.name) += c;
    }
  }
  end_option();
  return options;
}

Result<> take_target(MountArguments& arguments, const std::string& path) {
  if (!path.starts_with('/')) {
    return fail(Code::usage, cat("\"", printable(path), "\" is not an absolute path to mount at"));
  }
  arguments.targets.push_back(path);
  return {};
}

Result<> take_option(MountArguments& arguments, const MountOptionText& option, bool sloppy) {
  const std::string& name = option.name;
  const std::string value = option.value.value_or("");
  const bool own = name == "attach" || name == "image" || name == "slot" || name == "config";
  if (own && value.empty()) {
    return fail(Code::usage, cat("the option ", name, " has no value"));
  }
  if (name == "attach") {
    return take_target(arguments, value);
  }
  if (name == "image") {
    arguments.image = value;
  } else if (name == "slot") {
    arguments.slot = value;
  } else if (name == "config") {
    arguments.configuration = value;
  } else if (name == "rw") {
    return fail(Code::usage, "a verified root cannot be mounted rw: give the option ro");
  } else if (!sloppy && !name.starts_with("x-") && !name.starts_with("X-") &&
             std::find(generic_options.begin(), generic_options.end(), name) == generic_options.end()) {
    return fail(Code::usage, cat("the option \"", printable(name), "\" is unknown"));
  }
  return {};
}

// Single letters, as in "-sfn"; those that take a value take the rest of the word, or the next one.
Result<> take_flags(MountArguments& arguments, std::string_view letters, bool& sloppy,
                    std::vector<std::string>& options, std::span<const std::string>& rest) {
  for (std::size_t i = 1; i < letters.size(); ++i) {
    std::string* value = nullptr;
    switch (letters[i]) {
      case 's':
        sloppy = true;
        continue;
      case 'f':
        arguments.fake = true;
        continue;
      case 'v':
        arguments.verbose = true;
        continue;
      case 'n':  // no /etc/mtab: there is none
        continue;
      case 'o':
        value = &options.emplace_back();
        break;
      case 'N':
        value = &arguments.mount_namespace;
        break;
      default:
        return fail(Code::usage, cat("the flag -", printable(letters.substr(i, 1)), " is unknown"));
    }
    *value = letters.substr(i + 1);
    if (value->empty() && !rest.empty()) {
      *value = rest.front();
      rest = rest.subspan(1);
    }
    if (value->empty()) {
      return fail(Code::usage, cat("the flag -", letters[i], " has no value"));
    }
    return {};
  }
  return {};
}

// What the options select counts for more than the kernel command line.
Result<Configuration> configure(Kernel& kernel, const MountArguments& arguments) {
  Configuration configuration = CFS_TRY(
      load_configuration(kernel, arguments.configuration, CFS_TRY(load_policy_of(arguments.configuration))));
  CFS_TRY(check_front_door("", configuration.policy));
  auto device = DeviceSpec::parse(arguments.source);
  if (!device) {
    return fail(Code::usage, device.error().what());
  }
  configuration.selection.store = std::move(*device);
  if (arguments.image) {
    CFS_TRY(select_image(*arguments.image, configuration.selection));
  }
  if (arguments.slot) {
    CFS_TRY(select_slot(*arguments.slot, configuration.selection));
  }
  return configuration;
}

Result<> enter_namespace(Kernel& kernel, const std::string& name) {
  const auto process = parse_decimal<unsigned>(name);
  const std::string path = process ? cat("/proc/", *process, "/ns/mnt") : name;
  const Fd target(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!target) {
    return fail_errno(Code::not_found, cat("open the mount namespace ", printable(path)));
  }
  return kernel.join_mounts(target);
}

// A signal that comes while the root is attached waits, so that it is attached at all targets or at none.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all{};
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Result<MountArguments> parse_mount_arguments(const std::vector<std::string>& arguments) {
  MountArguments parsed;
  std::vector<std::string> places;
  std::vector<std::string> options;
  bool sloppy = false;
  for (std::span<const std::string> rest(arguments); !rest.empty();) {
    const std::string& word = rest.front();
    rest = rest.subspan(1);
    if (word.size() > 1 && word.front() == '-') {
      CFS_TRY(take_flags(parsed, word, sloppy, options, rest));
    } else {
      places.push_back(word);
    }
  }
  if (places.size() != 2) {
    return fail(Code::usage, "mount.composefs-root SOURCE TARGET [-sfnv] [-N NAMESPACE] [-o OPTIONS]");
  }
  parsed.source = places[0];
  CFS_TRY(take_target(parsed, places[1]));
  for (const std::string& text : options) {
    for (const MountOptionText& option : split_options(text)) {
      CFS_TRY(take_option(parsed, option, sloppy));
    }
  }
  return parsed;
}

Result<> attach_at(Kernel& kernel, const Fd& tree, const std::vector<std::string>& paths) {
  std::vector<Fd> targets;
  targets.reserve(paths.size());
  for (const std::string& path : paths) {
    targets.push_back(CFS_TRY_IN(open_directory(path), "find the mount point"));
  }
  CFS_TRY(kernel.attach(tree, targets.front(), "."));
  for (std::size_t i = 1; i < targets.size(); ++i) {
    auto copy = kernel.clone_tree(tree, "");
    auto attached = copy ? kernel.attach(*copy, targets[i], ".") : tl::unexpected(std::move(copy.error()));
    if (!attached) {
      for (std::size_t done = 0; done < i; ++done) {
        kernel.detach(paths[done]);
      }
      return attached;
    }
  }
  return {};
}

Result<std::string> mount_root(Kernel& kernel, const MountArguments& arguments) {
  StageClock clock;
  const Configuration configuration = CFS_TRY(configure(kernel, arguments));
  clock.end<Stage::policy>();
  const BootContext boot{
      .kernel = kernel, .configuration = configuration, .entered_by = EnteredBy::systemd, .clock = clock};
  if (arguments.fake) {
    return CFS_TRY(verify_root(boot)).summary(clock.elapsed());
  }
  const VerifiedRoot root = CFS_TRY(make_verified_root(boot));
  const bool trusted = configuration.policy.cmdline.trust == CmdlineTrust::signed_cmdline;
  if (configuration.selection.init && !trusted && in_initrd("")) {
    CFS_TRY(check_enters_systemd(root.tree, root.init));
  }
  const SignalsHeld held;
  CFS_TRY(publish_root(root.report));
  if (!arguments.mount_namespace.empty()) {
    CFS_TRY(enter_namespace(kernel, arguments.mount_namespace));
  }
  CFS_TRY(attach_at(kernel, root.tree, arguments.targets));
  mark_stage<Stage::attached>();
  return root.report.summary(clock.elapsed());
}

int mount_exit_status(Code code) noexcept {
  constexpr int usage = 1;
  constexpr int system_error = 2;
  constexpr int mount_failure = 32;
  switch (code) {
    case Code::usage:
      return usage;
    case Code::io_error:
      return system_error;
    default:
      return mount_failure;
  }
}

}  // namespace cfs
