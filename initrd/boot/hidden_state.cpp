// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/hidden_state.hpp"

#include <optional>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report_names.hpp"
#include "cfs/mount/hidden_mount.hpp"

namespace cfs {

namespace {

// nullopt if there is no state.
Result<std::optional<HiddenMount>> find_state(Kernel& kernel) {
  constexpr std::size_t longest_path = 4096;
  const auto path = read_file(cat(report_directory, '/', state_device_name), longest_path);
  if (!path && path.error().code() == Code::not_found) {
    return std::nullopt;
  }
  if (!path) {
    return tl::unexpected(path.error());
  }
  if (path->empty()) {
    return std::nullopt;
  }
  return CFS_TRY(mount_again(kernel, *path, Access::read_write, Access::read_write));
}

}  // namespace

Result<> release_state(Kernel& kernel) {
  const auto state = CFS_TRY(find_state(kernel));
  if (state) {
    CFS_TRY_IN(kernel.set_file_system_access(state->mount, Access::read_only), "make the state read-only");
  }
  return {};
}

Result<> grow_state(Kernel& kernel) {
  const auto state = CFS_TRY(find_state(kernel));
  if (state && state->file_system == "ext4") {
    CFS_TRY_IN(kernel.grow_ext4(state->mount, state->device.device), "grow the state");
  }
  return {};
}

}  // namespace cfs
