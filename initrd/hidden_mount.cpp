#include "cfs/hidden_mount.hpp"

#include <fcntl.h>

#include "cfs/superblock.hpp"
#include "cfs/text.hpp"

namespace cfs {

Result<HiddenMount> mount_again(Kernel& kernel, const std::string& device, Access superblock, Access mount) {
  HiddenMount hidden;
  hidden.device = Fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!hidden.device) {
    return fail_errno(Code::io_error, cat("open ", printable(device)));
  }
  auto found = read_superblock(hidden.device);
  if (!found) {
    return fail(Code::device_unreadable,
                cat(printable(device), " holds no file system that can be a store or a state"));
  }
  hidden.file_system = std::move(found->file_system);
  hidden.mount = CFS_TRY_IN(kernel.mount({.type = hidden.file_system,
                                          .source = device,
                                          .superblock = superblock,
                                          .mount = mount,
                                          .noexec = true}),
                            cat("mount ", printable(device), " once more"));
  return hidden;
}

}  // namespace cfs
