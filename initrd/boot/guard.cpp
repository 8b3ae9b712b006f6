// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/guard.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/mount/mount_table.hpp"

namespace cfs {

Result<> guard(const std::string& directory, const std::string& reports) {
  const auto record = read_file(cat(reports, '/', mount_record_name), mount_record_max_bytes);
  if (!record && record.error().code() == Code::not_found) {
    return fail(Code::root_replaced, cat("no verified root was made for ", printable(directory)));
  }
  if (!record) {
    return tl::unexpected(record.error());
  }
  struct statx status{};
  if (::statx(AT_FDCWD, directory.c_str(), AT_NO_AUTOMOUNT, STATX_MNT_ID, &status) != 0) {
    return fail_errno(Code::io_error, cat("look at ", printable(directory)));
  }
  if ((status.stx_mask & STATX_MNT_ID) == 0) {
    return fail(Code::kernel_feature,
                "the running kernel does not say which mount a path leads to (Linux 5.8)");
  }
  return check_mounts(CFS_TRY(read_file(mount_table_file, mount_table_max_bytes)), directory,
                      status.stx_mnt_id, *record);
}

}  // namespace cfs
