// SPDX-License-Identifier: Apache-2.0
// What decides a boot: the policy and the keys, which a directory of a trusted file system holds as
// policy.toml and keys/, and the kernel command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/decision/selection.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/trust/key.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// Of an initramfs, which is trusted as a whole.
inline constexpr auto initramfs_configuration = "/etc/composefs-root";

// The directory of the keys in it.
inline constexpr std::string_view keys_name = "keys";

struct Configuration {
  Policy policy;
  std::vector<PublicKey> keys;
  Selection selection;
};

// A directory with a configuration, opened once: all that is read of it lies in it, on the same mount, and is
// reached without links, whatever is mounted where in the meantime.
struct ConfigurationPlace {
  Fd directory;
  std::string name;  // for people
};

// Code::policy_missing, Code::io_error.
[[nodiscard]] Result<ConfigurationPlace> open_configuration(const std::string& directory);

// The policy alone: it says what happens when the rest fails. Errors: those of load_policy().
[[nodiscard]] Result<Policy> load_policy_of(const ConfigurationPlace& place);

// Adds the keys, and what the command line of the running kernel selects, once this policy was found to allow
// it. Errors: those of load_keys(), check_threshold(), read_kernel_cmdline(), check_cmdline() and select();
// Code::path_refused.
[[nodiscard]] Result<Configuration> load_configuration(Kernel& kernel, const ConfigurationPlace& place,
                                                       Policy policy);

// The same of a directory that is opened for that. Errors: those of open_configuration(), too.
[[nodiscard]] Result<Policy> load_policy_of(const std::string& directory);
[[nodiscard]] Result<Configuration> load_configuration(Kernel& kernel, const std::string& directory,
                                                       Policy policy);

// The command line that the loader gave the kernel. Where something is mounted over /proc or /proc/cmdline it
// is read from a procfs that nobody else sees, which takes the kernel some 100,000 instructions to make.
// Code::mount_failed, Code::io_error.
[[nodiscard]] Result<std::string> read_kernel_cmdline(Kernel& kernel);

// What a policy says, for programs that make an initramfs: "signed" or "untrusted" for cmdline.trust, "true"
// or "false" for failure.shell. Code::usage for other keys.
[[nodiscard]] Result<std::string> policy_value(const Policy& policy, std::string_view key);

// Whether a boot could be decided by these files: what fails here, fails every boot. Errors: those of
// load_policy(), load_keys() and check_threshold(); Code::path_refused.
[[nodiscard]] Result<> check_configuration(const ConfigurationPlace& place);

// The same of a directory that is opened for that. Errors: those of open_configuration(), too.
[[nodiscard]] Result<> check_configuration(const std::string& directory);

}  // namespace cfs
