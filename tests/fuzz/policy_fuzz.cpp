// SPDX-License-Identifier: Apache-2.0
// Any bytes: parse_policy() refuses them or gives a policy within its bounds.
#include <cstdint>
#include <cstdlib>

#include "cfs/trust/policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = cfs::parse_policy({reinterpret_cast<const char*>(data), size});
  if (policy && (policy->trust.threshold == 0 || policy->image_id.empty() ||
                 policy->device_timeout.count() < 1 || policy->device_timeout.count() > 3600 ||
                 cfs::DeviceSpec::parse(policy->store.text()) != policy->store)) {
    std::abort();
  }
  return 0;
}
