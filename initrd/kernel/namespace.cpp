// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

Result<> Kernel::cover_root() {
  const Fd cover = CFS_TRY(clone_tree(CFS_TRY(open_directory("/")), ""));
  if (::fchdir(cover.get()) != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || ::chroot(".") != 0) {
    return fail_errno(Code::mount_failed, "mount the initramfs over itself");
  }
  return {};
}

Result<> Kernel::make_root(const Fd& root) {
  // pivot_root(2) with "." twice puts the old root over the new one, from where it is taken away.
  if (::fchdir(root.get()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
    return fail_errno(Code::mount_failed, "make it the root directory");
  }
  return {};
}

Result<Fd> Kernel::unshare_mounts() {
  Fd original(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!original || ::unshare(CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno(Code::mount_failed, "make a private mount namespace");
  }
  return original;
}

Result<> Kernel::join_mounts(const Fd& mount_namespace) {
  if (::setns(mount_namespace.get(), CLONE_NEWNS) != 0) {
    return fail_errno(Code::mount_failed, "enter the mount namespace");
  }
  return {};
}

}  // namespace cfs
