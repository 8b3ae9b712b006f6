#include "cfs/root_device.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>

#include "cfs/text.hpp"

namespace cfs {

Result<> publish_root_device(const std::string& device, const std::string& directory) {
  struct stat status{};
  if (::stat(device.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    return fail_errno(Code::io_error, cat("find the number of ", printable(device)));
  }
  const std::string target = cat("/dev/block/", major(status.st_rdev), ':', minor(status.st_rdev));
  const std::string link = cat(directory, "/volatile-root");
  const std::string temporary = cat(directory, "/.volatile-root.new");
  if ((::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) ||
      (::unlink(temporary.c_str()) != 0 && errno != ENOENT) ||
      ::symlink(target.c_str(), temporary.c_str()) != 0 || ::rename(temporary.c_str(), link.c_str()) != 0) {
    return fail_errno(Code::io_error, cat("make the link ", link));
  }
  return {};
}

}  // namespace cfs
