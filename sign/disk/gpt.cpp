// SPDX-License-Identifier: Apache-2.0
#include "cfs/disk/gpt.hpp"

#include <libfdisk/libfdisk.h>

#include <memory>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

struct Release {
  void operator()(fdisk_context* context) const { fdisk_unref_context(context); }
  void operator()(fdisk_partition* partition) const { fdisk_unref_partition(partition); }
  void operator()(fdisk_parttype* type) const { fdisk_unref_parttype(type); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;

// libfdisk answers 0 or a negative errno value.
Result<> check(int answer, std::string_view doing) {
  if (answer < 0) {
    return fail_errno(Code::io_error, std::string(doing), answer);
  }
  return {};
}

Result<> add_partition(fdisk_context* context, std::size_t number, const Partition& wanted) {
  const Owned<fdisk_partition> partition(fdisk_new_partition());
  const Owned<fdisk_parttype> type(fdisk_new_unknown_parttype(0, std::string(wanted.type).c_str()));
  if (!partition || !type) {
    return fail_errno(Code::io_error, "describe it", ENOMEM);
  }
  CFS_TRY(check(fdisk_partition_set_partno(partition.get(), number), "number a partition"));
  CFS_TRY(
      check(fdisk_partition_set_start(partition.get(), wanted.offset / sector_size), "place a partition"));
  CFS_TRY(check(fdisk_partition_set_size(partition.get(), wanted.size / sector_size), "size a partition"));
  // Without it libfdisk takes the size as a wish.
  CFS_TRY(check(fdisk_partition_size_explicit(partition.get(), 1), "size a partition"));
  CFS_TRY(check(fdisk_partition_set_type(partition.get(), type.get()), "set a partition's type"));
  CFS_TRY(check(fdisk_partition_set_name(partition.get(), std::string(wanted.label).c_str()),
                "name a partition"));
  CFS_TRY(check(fdisk_partition_set_uuid(partition.get(), wanted.id.text().c_str()), "identify a partition"));
  return check(fdisk_add_partition(context, partition.get(), nullptr), "add a partition");
}

}  // namespace

Result<> write_gpt(const Fd& file, const Uuid& disk, std::span<const Partition> partitions) {
  const Owned<fdisk_context> context(fdisk_new_context());
  if (!context) {
    return fail_errno(Code::io_error, "write the partition table", ENOMEM);
  }
  CFS_TRY(check(fdisk_disable_dialogs(context.get(), 1), "write the partition table"));
  // The file has no sectors of its own: what the host would guess must not matter.
  CFS_TRY(check(fdisk_save_user_sector_size(context.get(), sector_size, sector_size), "set the sector size"));
  CFS_TRY(check(fdisk_save_user_grain(context.get(), partition_alignment), "set the alignment"));
  CFS_TRY(check(fdisk_assign_device_by_fd(context.get(), file.get(), "the disk image", 0),
                "open the disk image"));
  CFS_TRY(check(fdisk_create_disklabel(context.get(), "gpt"), "make a partition table"));
  CFS_TRY(check(fdisk_set_disklabel_id_from_string(context.get(), disk.text().c_str()), "identify the disk"));
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    CFS_TRY_IN(add_partition(context.get(), i, partitions[i]), cat("partition ", partitions[i].label));
  }
  CFS_TRY(check(fdisk_write_disklabel(context.get()), "write the partition table"));
  return check(fdisk_deassign_device(context.get(), 1), "close the disk image");
}

}  // namespace cfs
