#include "cfs/shutdown.hpp"

#include <fcntl.h>

#include "cfs/block_device.hpp"
#include "cfs/file.hpp"
#include "cfs/report.hpp"
#include "cfs/text.hpp"

namespace cfs {

Result<> release_state(Kernel& kernel) {
  constexpr std::size_t longest_path = 4096;
  const auto device = read_file(cat(report_directory, '/', state_device_name), longest_path);
  if (!device && device.error().code() == Code::not_found) {
    return {};
  }
  if (!device) {
    return tl::unexpected(device.error());
  }
  if (device->empty()) {
    return {};
  }
  const Fd file(::open(device->c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) {
    return fail_errno(Code::io_error, cat("open ", printable(*device)));
  }
  // Another mount of the file system that is in use: the only way to get hold of it.
  const Fd mount = CFS_TRY_IN(kernel.mount({.type = probe(file).file_system,
                                            .source = *device,
                                            .superblock = Access::read_write,
                                            .mount = Access::read_write}),
                              "mount the state once more");
  CFS_TRY_IN(kernel.set_file_system_read_only(mount), "make the state read-only");
  return {};
}

}  // namespace cfs
