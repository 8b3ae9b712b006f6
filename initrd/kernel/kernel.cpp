// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <sys/utsname.h>

#include <algorithm>

namespace cfs {

std::string Kernel::release() {
  utsname names{};
  ::uname(&names);
  return names.release;
}

void Kernel::used(std::string_view feature) {
  if (std::find(features_.begin(), features_.end(), feature) == features_.end()) {
    features_.emplace_back(feature);
  }
}

}  // namespace cfs
