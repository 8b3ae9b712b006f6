// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/configuration.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/decision/cmdline_check.hpp"
#include "cfs/trust/verify.hpp"

namespace cfs {

namespace {

Result<std::vector<PublicKey>> load_usable_keys(const ConfigurationPlace& place, const Policy& policy) {
  const auto directory = open_directory_beneath(place.directory, std::string(keys_name));
  if (!directory) {
    const Code code = directory.error().code();
    return fail(code == Code::not_found ? Code::key_missing : code,
                cat(printable(place.name), ": ", directory.error().what()));
  }
  auto keys = CFS_TRY(load_keys(*directory, cat(place.name, '/', keys_name)));
  CFS_TRY(check_threshold(keys, policy.trust));
  return keys;
}

// Whether it is the root of a procfs, which has a number of its own, and not a part of one.
bool is_procfs(const Fd& directory) {
  constexpr ino_t root = 1;
  struct statfs file_system{};
  struct stat status{};
  return ::fstatfs(directory.get(), &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC &&
         ::fstat(directory.get(), &status) == 0 && status.st_ino == root;
}

}  // namespace

Result<ConfigurationPlace> open_configuration(const std::string& directory) {
  auto opened = open_directory(directory);
  if (!opened) {
    const Code code = opened.error().code();
    return fail(code == Code::not_found ? Code::policy_missing : code, opened.error().what());
  }
  return ConfigurationPlace{.directory = *std::move(opened), .name = directory};
}

Result<Policy> load_policy_of(const ConfigurationPlace& place) {
  return load_policy(place.directory, place.name);
}

Result<Policy> load_policy_of(const std::string& directory) {
  return load_policy_of(CFS_TRY(open_configuration(directory)));
}

Result<std::string> read_kernel_cmdline(Kernel& kernel) {
  if (const auto place = open_directory("/proc"); place && is_procfs(*place)) {
    // Reached on that very mount: nothing covers it.
    if (const auto file = open_file_beneath(*place, "cmdline")) {
      return read_all(*file, cmdline_max_bytes);
    }
  }
  const Fd procfs = CFS_TRY(kernel.mount({.type = "proc", .source = "proc", .noexec = true}));
  return read_all(CFS_TRY(open_file_beneath(procfs, "cmdline")), cmdline_max_bytes);
}

Result<Configuration> load_configuration(Kernel& kernel, const ConfigurationPlace& place, Policy policy) {
  Configuration configuration{.policy = std::move(policy), .keys = {}, .selection = {}};
  configuration.keys = CFS_TRY(load_usable_keys(place, configuration.policy));
  const std::string cmdline = CFS_TRY_IN(read_kernel_cmdline(kernel), "read the kernel command line");
  CFS_TRY(check_cmdline(cmdline, configuration.policy));
  configuration.selection = CFS_TRY(select(Cmdline::parse(cmdline), configuration.policy));
  return configuration;
}

Result<Configuration> load_configuration(Kernel& kernel, const std::string& directory, Policy policy) {
  return load_configuration(kernel, CFS_TRY(open_configuration(directory)), std::move(policy));
}

Result<std::string> policy_value(const Policy& policy, std::string_view key) {
  if (key == "cmdline.trust") {
    return std::string(name(policy.cmdline.trust));
  }
  if (key == "failure.shell") {
    return std::string(policy.failure.shell ? "true" : "false");
  }
  return fail(Code::usage, cat(printable(key), " is neither cmdline.trust nor failure.shell"));
}

Result<> check_configuration(const ConfigurationPlace& place) {
  CFS_TRY(load_usable_keys(place, CFS_TRY(load_policy_of(place))));
  return {};
}

Result<> check_configuration(const std::string& directory) {
  return check_configuration(CFS_TRY(open_configuration(directory)));
}

}  // namespace cfs
