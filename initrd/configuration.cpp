#include "cfs/configuration.hpp"

#include "cfs/cmdline.hpp"
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

Result<Selection> select_by_kernel(const Policy& policy) {
  return select(Cmdline::parse(CFS_TRY(read_file("/proc/cmdline", cmdline_max_bytes))), policy);
}

Result<Configuration> load_configuration(const std::string& directory, Policy policy) {
  Configuration configuration{.policy = std::move(policy), .keys = {}, .selection = {}};
  configuration.keys = CFS_TRY(load_usable_keys(directory, configuration.policy));
  configuration.selection = CFS_TRY(select_by_kernel(configuration.policy));
  return configuration;
}

Result<> check_configuration(const std::string& directory) {
  const Policy policy = CFS_TRY(load_policy_of(directory));
  CFS_TRY(load_usable_keys(directory, policy));
  return {};
}

}  // namespace cfs
