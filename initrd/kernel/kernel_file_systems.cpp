// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel_file_systems.hpp"

namespace cfs {

Result<> mount_kernel_file_systems(Kernel& kernel) {
  CFS_TRY(kernel.mount_api("proc", "/proc", {}));
  CFS_TRY(kernel.mount_api("sysfs", "/sys", {}));
  CFS_TRY(kernel.mount_api("devtmpfs", "/dev", {}));
  return kernel.mount_api("tmpfs", "/run", {{"mode", "0755"}, {"size", "20%"}, {"nr_inodes", "800k"}});
}

}  // namespace cfs
