#include "cfs/hidden_mount.hpp"

#include <fcntl.h>

#include "cfs/superblock.hpp"
#include "cfs/text.hpp"

namespace cfs {

Result<HiddenMount> mount_hidden(Kernel& kernel, const HiddenMountRequest& request) {
  const std::string shown = printable(request.device);
  HiddenMount hidden;
  hidden.device = Fd(::open(request.device.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!hidden.device) {
    return fail_errno(Code::io_error, cat("open ", shown));
  }
  hidden.file_system = CFS_TRY_IN(check_file_system(hidden.device, request.file_system), shown);
  hidden.mount = CFS_TRY_IN(kernel.mount({.type = hidden.file_system,
                                          .source = cat("/proc/self/fd/", hidden.device.get()),
                                          .superblock = request.superblock,
                                          .mount = request.mount,
                                          .noexec = request.noexec}),
                            shown);
  CFS_TRY_IN(check_file_system(hidden.device, hidden.file_system),
             cat(shown, " after its journal was replayed"));
  return hidden;
}

Result<HiddenMount> mount_again(Kernel& kernel, const std::string& device, Access superblock, Access mount) {
  return mount_hidden(
      kernel,
      {.device = device, .file_system = {}, .superblock = superblock, .mount = mount, .noexec = true});
}

}  // namespace cfs
