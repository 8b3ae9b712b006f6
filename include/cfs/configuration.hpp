// What decides a boot: the policy and the keys, which a directory of a trusted file system holds as
// policy.toml and keys/, and the kernel command line.
#pragma once

#include <string>
#include <vector>

#include "cfs/key.hpp"
#include "cfs/policy.hpp"
#include "cfs/result.hpp"
#include "cfs/selection.hpp"

namespace cfs {

// Of an initramfs, which is trusted as a whole.
inline constexpr auto initramfs_configuration = "/etc/composefs-root";

struct Configuration {
  Policy policy;
  std::vector<PublicKey> keys;
  Selection selection;
};

// The policy alone: it says what happens when the rest fails. Errors: those of load_policy().
[[nodiscard]] Result<Policy> load_policy_of(const std::string& directory);

// Adds the keys, and what the command line of the running kernel selects. Errors: those of load_keys(),
// check_threshold() and select(); Code::io_error.
[[nodiscard]] Result<Configuration> load_configuration(const std::string& directory, Policy policy);

// What the command line of the running kernel selects under this policy: Code::parameter_refused,
// Code::io_error.
[[nodiscard]] Result<Selection> select_by_kernel(const Policy& policy);

// Whether a boot could be decided by these files: what fails here, fails every boot. Errors: those of
// load_policy(), load_keys() and check_threshold().
[[nodiscard]] Result<> check_configuration(const std::string& directory);

}  // namespace cfs
