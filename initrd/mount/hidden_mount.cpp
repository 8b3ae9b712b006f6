// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/hidden_mount.hpp"

#include <fcntl.h>

#include <utility>

#include "cfs/base/text.hpp"
#include "cfs/device/superblock.hpp"

namespace cfs {

Result<HiddenMount> mount_hidden(Kernel& kernel, BlockDevice device, const HiddenMountRequest& request) {
  const std::string shown = printable(device.path);
  auto type = CFS_TRY_IN(check_file_system(device.device, request.file_system), shown);
  auto mount = CFS_TRY_IN(kernel.mount({.type = type,
                                        .source = cat("/proc/self/fd/", device.device.get()),
                                        .superblock = request.superblock,
                                        .mount = request.mount,
                                        .noexec = request.noexec}),
                          shown);
  CFS_TRY_IN(check_file_system(device.device, type), cat(shown, ", after its journal was replayed"));
  return HiddenMount{.device = std::move(device), .file_system = std::move(type), .mount = std::move(mount)};
}

Result<HiddenMount> mount_again(Kernel& kernel, const std::string& device, Access superblock, Access mount) {
  Fd opened(::open(device.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!opened) {
    return fail_errno(Code::io_error, cat("open ", printable(device)));
  }
  return mount_hidden(kernel, {.path = device, .device = std::move(opened)},
                      {.file_system = {}, .superblock = superblock, .mount = mount, .noexec = true});
}

}  // namespace cfs
