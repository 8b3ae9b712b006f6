#include "cfs/root_device.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cfs/atomic_file.hpp"
#include "cfs/text.hpp"

namespace cfs {

Result<> publish_root_device(const std::string& device, const std::string& directory) {
  struct stat status{};
  if (::stat(device.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    return fail_errno(Code::io_error, cat("find the number of ", printable(device)));
  }
  const std::string target = cat("/dev/block/", major(status.st_rdev), ':', minor(status.st_rdev));
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail_errno(Code::io_error, cat("create ", directory));
  }
  return write_link(cat(directory, "/volatile-root"), target);
}

}  // namespace cfs
