// SPDX-License-Identifier: Apache-2.0
#include "cfs/doors/doors.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cfs/base/directory_tree.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/doors/visible_cmdline.hpp"
#include "cfs/trust/cmdline.hpp"

namespace cfs {

namespace {

using Names = std::string_view[];

constexpr Names system_extension_units{"systemd-sysext.service", "systemd-sysext.socket"};
constexpr Names system_extension_initrd_units{"systemd-sysext-initrd.service",
                                              "systemd-sysext-sysroot.service"};
constexpr Names system_extension_words{"systemd.sysext=0", "rd.systemd.sysext=0"};
constexpr Names system_extension_files{"sysext", "global_sysext"};

constexpr Names configuration_extension_units{"systemd-confext.service"};
constexpr Names configuration_extension_initrd_units{"systemd-confext-initrd.service",
                                                     "systemd-confext-sysroot.service"};
constexpr Names configuration_extension_words{"systemd.confext=0", "rd.systemd.confext=0"};
constexpr Names configuration_extension_files{"confext", "global_confext"};

constexpr Names portable_units{"systemd-portabled.service"};

constexpr Names machine_units{"systemd-nspawn@.service", "systemd-vmspawn@.service",
                              "systemd-mountfsd.socket", "var-lib-machines.mount"};
constexpr Names machine_generators{"systemd-import-generator"};

constexpr Names gpt_auto_generators{"systemd-gpt-auto-generator"};
constexpr Names gpt_auto_words{"systemd.gpt_auto=0", "rd.systemd.gpt_auto=0"};

constexpr Names hibernation_initrd_units{"systemd-hibernate-resume.service",
                                         "systemd-hibernate-resume@.service"};
constexpr Names hibernation_initrd_generators{"systemd-hibernate-resume-generator"};
constexpr Names hibernation_words{"noresume"};

constexpr Names credential_words{"systemd.import_credentials=no"};
constexpr Names credential_files{"credentials", "global_credentials", "system_credentials"};

constexpr Names efi_options_environment{"SYSTEMD_EFI_OPTIONS="};

constexpr auto doors = std::to_array<Door>({
    {.open = &Policy::Doors::system_extensions,
     .what = "Extensions of /usr and /opt that systemd-sysext finds below /var, /run and /etc",
     .versions = "systemd 252, 257 and 262",
     .masks = {.units = system_extension_units},
     .initrd_masks = {.units = system_extension_initrd_units},
     .words = system_extension_words,
     .boot_files = system_extension_files},
    {.open = &Policy::Doors::configuration_extensions,
     .what = "Extensions of /etc that systemd-confext finds below /var and /run",
     .versions = "systemd 257 and 262",
     .masks = {.units = configuration_extension_units},
     .initrd_masks = {.units = configuration_extension_initrd_units},
     .words = configuration_extension_words,
     .boot_files = configuration_extension_files},
    {.open = &Policy::Doors::portable_services,
     .what = "Services with a root of their own that systemd-portabled attaches",
     .versions = "systemd 252, 257 and 262",
     .masks = {.units = portable_units}},
    {.open = &Policy::Doors::machines,
     .what = "Containers and virtual machines below /var/lib/machines, what is downloaded to there while the "
             "system starts, and disk images that systemd-mountfsd mounts for users",
     .versions = "systemd 252, 257 and 262",
     .masks = {.units = machine_units, .generators = machine_generators}},
    {.open = &Policy::Doors::gpt_auto,
     .what = "Partitions and swap that have a place by their type alone, on the disk of the store",
     .versions = "systemd 252, 257 and 262",
     .masks = {.generators = gpt_auto_generators},
     .words = gpt_auto_words},
    {.open = &Policy::Doors::hibernation,
     .what = "Memory that an earlier boot wrote to a swap device, which an initrd resumes",
     .versions = "systemd 252, 257 and 262",
     .initrd_masks = {.units = hibernation_initrd_units, .generators = hibernation_initrd_generators},
     .words = hibernation_words},
    {.open = &Policy::Doors::credentials,
     .what = "Credentials from SMBIOS, QEMU, the kernel command line and the EFI system partition",
     .versions = "systemd 252, 257 and 262",
     .words = credential_words,
     .boot_files = credential_files},
    {.open = &Policy::Doors::efi_options,
     .what = "Words for the kernel command line that the EFI variable SystemdOptions adds",
     .versions = "systemd 252 and 257",
     .environment = efi_options_environment,
     .blocked = "efivars"},
    {.open = &Policy::Doors::removable_devices,
     .what = "A store or a state on a USB device or a removable medium",
     .versions = "any system",
     .otherwise = "Such devices do not count when the store and the state are looked for"},
});

static_assert(doors.size() == door_words.size());

// What the EFI stub copies from its own, signed sections.
constexpr Names stub_files{"tpm2-pcr-signature.json", "tpm2-pcr-public-key.pem", "os-release", "profile"};

// In /run/systemd.
constexpr std::string_view unit_masks = "system.control";
constexpr std::string_view generator_masks = "system-generators";

constexpr auto mask_target = "/dev/null";
constexpr auto mask_error = "mask units and generators";

bool contains(Door::Names names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_mask(const Fd& directory, const std::string& name) {
  const auto target = read_link(directory, name);
  return target && *target == mask_target;
}

// Removes whatever has this name.
Result<> remove(const Fd& directory, const std::string& name) {
  if (::unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) {
    return {};
  }
  if (const auto tree = open_directory_beneath(directory, name)) {
    (void)remove_tree(*tree);
  }
  if (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) != 0) {
    return fail_errno(Code::door_open, cat("remove ", printable(name)));
  }
  return {};
}

Result<> set_mask(const Fd& directory, const std::string& name, bool open) {
  if (open) {
    return is_mask(directory, name) ? remove(directory, name) : Result<>();
  }
  if (::symlinkat(mask_target, directory.get(), name.c_str()) == 0 || is_mask(directory, name)) {
    return {};
  }
  CFS_TRY(remove(directory, name));
  if (::symlinkat(mask_target, directory.get(), name.c_str()) != 0) {
    return fail_errno(Code::door_open, cat("mask ", name));
  }
  return {};
}

bool is_block(const struct stat& status) {
  return S_ISREG(status.st_mode) && status.st_size == 0;
}

// An empty regular file, where systemd would make or find a directory.
Result<> set_block(const Fd& directory, const std::string& name, bool open) {
  struct stat status{};
  const bool there = ::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  const bool blocked = there && is_block(status);
  if (open) {
    return blocked ? remove(directory, name) : Result<>();
  }
  if (blocked) {
    return {};
  }
  CFS_TRY(remove(directory, name));
  if (!Fd(::openat(directory.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444))) {
    return fail_errno(Code::door_open, cat("block ", name));
  }
  return {};
}

tl::unexpected<Error> still_open(std::string_view what) {
  return fail(Code::door_open, std::string(what));
}

// Whatever call failed: it is the door that stays open.
Result<> as_door(Result<> result, std::string_view doing) {
  return result ? std::move(result) : fail(Code::door_open, cat(doing, ": ", result.error().what()));
}

// /run/systemd is a real directory, or made one.
Result<Fd> open_run_directory(const std::string& root) {
  return make_directory(CFS_TRY(open_directory(cat(root, "/run"))), "systemd", 0755);
}

Result<> set_masks(const Policy::Doors& policy, const Fd& run, Door::Masks Door::* which) {
  const Fd units = CFS_TRY(make_directory(run, unit_masks, 0755));
  const Fd generators = CFS_TRY(make_directory(run, generator_masks, 0755));
  for (const Door& door : doors) {
    const bool open = policy.*door.open;
    for (const std::string_view unit : (door.*which).units) {
      CFS_TRY(set_mask(units, std::string(unit), open));
    }
    for (const std::string_view generator : (door.*which).generators) {
      CFS_TRY(set_mask(generators, std::string(generator), open));
    }
  }
  return {};
}

Result<> set_masks_and_blocks(const Policy::Doors& policy, const std::string& root) {
  const Fd run = CFS_TRY(open_run_directory(root));
  CFS_TRY(set_masks(policy, run, &Door::masks));
  for (const Door& door : doors) {
    if (!door.blocked.empty()) {
      CFS_TRY(set_block(run, std::string(door.blocked), policy.*door.open));
    }
  }
  return {};
}

Result<> set_initrd_masks(const Policy::Doors& policy, const std::string& root) {
  return set_masks(policy, CFS_TRY(open_run_directory(root)), &Door::initrd_masks);
}

Result<> remove_other_boot_files(const Policy::Doors& policy, const std::string& root) {
  const Fd top = CFS_TRY(open_directory(cat(root, "/")));
  const auto place = open_directory_beneath(top, ".extra");
  if (!place && place.error().code() == Code::not_found) {
    return {};
  }
  if (!place) {
    return tl::unexpected(place.error());
  }
  for (const std::string& name : CFS_TRY(list_directory(*place))) {
    const bool kept = contains(stub_files, name) || std::ranges::any_of(doors, [&](const Door& door) {
                        return policy.*door.open && contains(door.boot_files, name);
                      });
    if (!kept) {
      CFS_TRY(remove(*place, name));
    }
  }
  return {};
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

// Whether each name is masked below the root directory.
Result<> check_masks(const std::string& root, std::string_view directory, Door::Names names) {
  if (names.empty()) {
    return {};
  }
  const std::string path = cat("/run/systemd/", directory);
  const auto place = open_directory(cat(root, path));
  for (const std::string_view name : names) {
    if (!place || !is_mask(*place, std::string(name))) {
      return still_open(cat(path, '/', name, " is no mask"));
    }
  }
  return {};
}

}  // namespace

std::span<const Door> all_doors() noexcept {
  return doors;
}

std::vector<std::string> open_doors(const Policy::Doors& policy) {
  std::vector<std::string> keys;
  for (const Door& door : doors) {
    if (policy.*door.open) {
      keys.emplace_back(door.key());
    }
  }
  return keys;
}

Result<> write_masks(const Policy::Doors& policy, const std::string& root) {
  return as_door(set_masks_and_blocks(policy, root), mask_error);
}

Result<> write_initrd_masks(const Policy::Doors& policy, const std::string& root) {
  return as_door(set_initrd_masks(policy, root), mask_error);
}

Result<> remove_boot_files(const Policy::Doors& policy, const std::string& root) {
  return as_door(remove_other_boot_files(policy, root), "remove what the boot loader left in /.extra");
}

Result<> check_door(const Door& door, const std::string& root, std::string_view visible_cmdline) {
  CFS_TRY(check_masks(root, unit_masks, door.masks.units));
  CFS_TRY(check_masks(root, generator_masks, door.masks.generators));
  for (const std::string_view unit : door.masks.units) {
    if (const std::string overruling = cat("/etc/systemd/system.control/", unit);
        exists(cat(root, overruling))) {
      return still_open(cat(overruling, " ranks above its mask"));
    }
  }
  const auto words = cmdline_words(visible_cmdline);
  for (const std::string_view word : door.words) {
    if (std::ranges::find(words, word) == words.end()) {
      return still_open(cat(cmdline_file, " has no ", word));
    }
  }
  if (!door.blocked.empty()) {
    struct stat status{};
    const std::string path = cat("/run/systemd/", door.blocked);
    if (::lstat(cat(root, path).c_str(), &status) != 0 || !is_block(status)) {
      return still_open(cat(path, " is no empty file"));
    }
  }
  return {};
}

std::vector<std::string> init_environment(const Policy& policy, const std::vector<std::string>& given) {
  // The kernel hands unknown NAME=VALUE words of its command line to init as environment: LD_PRELOAD from
  // /var would run unverified code as PID 1.
  std::vector<std::string> environment{"HOME=/", "TERM=linux"};
  if (policy.cmdline.trust == CmdlineTrust::signed_cmdline) {
    environment = given;
  }
  for (const Door& door : doors) {
    if (policy.doors.*door.open) {
      continue;
    }
    for (const std::string_view variable : door.environment) {
      const auto name = variable.substr(0, variable.find('=') + 1);
      std::erase_if(environment, [&](const std::string& other) { return other.starts_with(name); });
      environment.emplace_back(variable);
    }
  }
  return environment;
}

Result<> close_doors(Kernel& kernel, const Policy& policy, const std::string& real_cmdline) {
  CFS_TRY(remove_boot_files(policy.doors, ""));
  CFS_TRY(write_initrd_masks(policy.doors, ""));
  return close_root_doors(kernel, policy, real_cmdline);
}

Result<> close_root_doors(Kernel& kernel, const Policy& policy, const std::string& real_cmdline) {
  CFS_TRY(write_masks(policy.doors, ""));
  const std::string visible = filter_cmdline(real_cmdline, policy);
  return as_door(visible == real_cmdline ? uncover_cmdline(kernel) : cover_cmdline(kernel, visible),
                 "filter the kernel command line");
}

}  // namespace cfs
