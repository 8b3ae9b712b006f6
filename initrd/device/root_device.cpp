// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/root_device.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

Result<> publish_root_device(const std::string& device, const std::string& directory) {
  struct stat status{};
  if (::stat(device.c_str(), &status) != 0) {
    return fail_errno(Code::io_error, cat("find the number of ", printable(device)));
  }
  if (!S_ISBLK(status.st_mode)) {
    return fail(Code::io_error, cat(printable(device), " is not a block device"));
  }
  constexpr auto links = "/dev/block";
  const std::string target = cat(links, '/', major(status.st_rdev), ':', minor(status.st_rdev));
  CFS_TRY(create_directory(directory));
  CFS_TRY(create_directory(links));
  if (::symlink(device.c_str(), target.c_str()) != 0 && errno != EEXIST) {
    return fail_errno(Code::io_error, cat("create ", target));
  }
  return write_link(cat(directory, "/volatile-root"), target);
}

}  // namespace cfs
