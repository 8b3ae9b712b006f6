#include "cfs/configuration.hpp"

#include "cfs/cmdline_check.hpp"
#include "cfs/file.hpp"
#include "cfs/text.hpp"
#include "cfs/verify.hpp"

namespace cfs {

namespace {

constexpr std::size_t cmdline_max_bytes = 64UL * 1024;

Result<std::vector<PublicKey>> load_usable_keys(const std::string& directory, const Policy& policy) {
  auto keys = CFS_TRY(load_keys(cat(directory, "/keys")));
  CFS_TRY(check_threshold(keys, policy.trust));
  return keys;
}

}  // namespace

Result<Policy> load_policy_of(const std::string& directory) {
  return load_policy(cat(directory, "/policy.toml"));
}

Result<std::string> read_kernel_cmdline(Kernel& kernel) {
  const Fd procfs = CFS_TRY(kernel.mount({.type = "proc", .source = "proc", .noexec = true}));
  return read_all(CFS_TRY(open_file_beneath(procfs, "cmdline")), cmdline_max_bytes);
}

Result<Selection> select_by_kernel(Kernel& kernel, const Policy& policy) {
  const std::string text = CFS_TRY_IN(read_kernel_cmdline(kernel), "read the kernel command line");
  CFS_TRY(check_cmdline(text, policy));
  return select(Cmdline::parse(text), policy);
}

Result<Configuration> load_configuration(Kernel& kernel, const std::string& directory, Policy policy) {
  Configuration configuration{.policy = std::move(policy), .keys = {}, .selection = {}};
  configuration.keys = CFS_TRY(load_usable_keys(directory, configuration.policy));
  configuration.selection = CFS_TRY(select_by_kernel(kernel, configuration.policy));
  return configuration;
}

Result<> check_configuration(const std::string& directory) {
  const Policy policy = CFS_TRY(load_policy_of(directory));
  CFS_TRY(load_usable_keys(directory, policy));
  return {};
}

}  // namespace cfs
