// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "kernel/fs_context.hpp"

namespace cfs {

Result<> Kernel::mount_api(const std::string& type, const std::string& target,
                           std::vector<MountOption> options) {
  CFS_TRY(create_directory(target, 0755, Code::mount_failed));
  std::string data;
  for (const MountOption& option : options) {
    data += cat(data.empty() ? "" : ",", option.name, option.value ? "=" : "", option.value.value_or(""));
  }
  const unsigned long flags = MS_NOSUID | (type == "devtmpfs" ? 0 : MS_NODEV) |
                              (type == "tmpfs" || type == "devtmpfs" ? 0 : MS_NOEXEC);
  if (::mount(type.c_str(), target.c_str(), type.c_str(), flags, data.c_str()) != 0 && errno != EBUSY) {
    return fail_errno(Code::mount_failed, cat("mount ", type, " at ", target));
  }
  return {};
}

Result<Fd> Kernel::mount(const MountRequest& request) {
  FsContext context = CFS_TRY(FsContext::open(request.type));
  CFS_TRY(context.set({"source", request.source}));
  if (request.superblock == Access::read_only) {
    CFS_TRY(context.set({"ro", std::nullopt}));
  }
  for (const MountOption& option : request.options) {
    CFS_TRY(context.set(option));
  }
  CFS_TRY(context.create());
  return context.mount(mount_attributes(request));
}

Result<Fd> Kernel::clone_tree(const Fd& directory, const std::string& path) {
  Fd tree(
      ::open_tree(directory.get(), path.c_str(),
                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
  if (!tree) {
    return fail_errno(Code::mount_failed, cat("clone the tree at ", printable(path)));
  }
  return tree;
}

Result<Fd> Kernel::clone_mount(const Fd& directory) {
  Fd mount(::open_tree(directory.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!mount) {
    return fail_errno(Code::mount_failed, "clone a mount");
  }
  return mount;
}

Result<> Kernel::set_access(const Fd& mount, Access access) {
  mount_attr change{};
  (access == Access::read_only ? change.attr_set : change.attr_clr) = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0) {
    return fail_errno(Code::mount_failed, "change a mount between read-only and writable");
  }
  return {};
}

Result<> Kernel::limit(const Fd& mount, const MountLimits& limits) {
  mount_attr change{};
  change.attr_set =
      (limits.noexec ? MOUNT_ATTR_NOEXEC : 0U) | (limits.nosymfollow ? MOUNT_ATTR_NOSYMFOLLOW : 0U);
  if (change.attr_set != 0 && ::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &change, sizeof change) != 0) {
    return fail_errno(Code::mount_failed, "make a mount noexec or nosymfollow");
  }
  return {};
}

Result<> Kernel::set_file_system_access(const Fd& mount, Access access) {
  FsContext context = CFS_TRY(FsContext::pick(mount));
  CFS_TRY(context.set({access == Access::read_only ? "ro" : "rw", std::nullopt}));
  return context.reconfigure();
}

Result<> Kernel::attach(const Fd& mount, const Fd& directory, const std::string& path) {
  // Opened first, because move_mount(2) itself would follow links in the middle of the path.
  const Fd target = CFS_TRY(open_path_beneath(directory, path));
  if (::move_mount(mount.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) !=
      0) {
    return fail_errno(Code::mount_failed, cat("attach a mount at ", printable(path)));
  }
  return {};
}

void Kernel::detach(const std::string& path) {
  ::umount2(path.c_str(), MNT_DETACH);
}

Result<> Kernel::move(const std::string& from, const Fd& directory, const std::string& to) {
  const Fd target = CFS_TRY(open_directory_beneath(directory, to));
  if (::move_mount(AT_FDCWD, from.c_str(), target.get(), "", MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    return fail_errno(Code::mount_failed, cat("move ", from, " into the root"));
  }
  return {};
}

Result<> Kernel::grow_ext4(const Fd& mount, const Fd& device) {
  const Fd readable(::openat(mount.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct statfs file_system{};
  std::uint64_t device_size = 0;
  if (!readable || ::fstatfs(readable.get(), &file_system) != 0 ||
      ::ioctl(device.get(), BLKGETSIZE64, &device_size) != 0) {
    return fail_errno(Code::io_error, "find the sizes of the file system and its device");
  }
  // EXT4_IOC_RESIZE_FS, which the headers for programs do not have. To the size that it has is success.
  constexpr auto resize = _IOW('f', 16, std::uint64_t);
  const std::uint64_t blocks = device_size / static_cast<std::uint64_t>(file_system.f_bsize);
  if (::ioctl(readable.get(), resize, &blocks) != 0) {
    return fail_errno(Code::io_error, "EXT4_IOC_RESIZE_FS");
  }
  return {};
}

}  // namespace cfs
