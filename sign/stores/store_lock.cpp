// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include "cfs/store/layout.hpp"

namespace cfs {

Result<StoreLock> StoreLock::wait(const Fd& directory, Kind kind) {
  // An open file of its own: the lock belongs to it, not to the process.
  Fd objects(
      ::openat(directory.get(), store_layout::objects, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!objects) {
    return fail_errno(errno == ENOENT ? Code::store_malformed : Code::io_error,
                      "open the directory objects of the store");
  }
  int outcome = 0;
  do {
    outcome = ::flock(objects.get(), kind == Kind::exclusive ? LOCK_EX : LOCK_SH);
  } while (outcome != 0 && errno == EINTR);
  if (outcome != 0) {
    return fail_errno(Code::io_error, "lock the store");
  }
  return StoreLock(std::move(objects));
}

}  // namespace cfs
