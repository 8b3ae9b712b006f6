// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/private_namespace.hpp"

#include <sys/stat.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr auto place = "/run";

MountRequest in_memory(std::string mode) {
  return {.type = "tmpfs",
          .source = "composefs-root",
          .options = {{"mode", std::move(mode)}},
          .superblock = Access::read_write,
          .mount = Access::read_write};
}

}  // namespace

std::string PrivateNamespace::path(const std::string& name) {
  return cat(place, '/', name);
}

Result<PrivateNamespace> PrivateNamespace::enter(Kernel& kernel) {
  Fd workspace = CFS_TRY(kernel.mount(in_memory("0700")));
  Fd original = CFS_TRY(kernel.unshare_mounts());
  PrivateNamespace result(kernel, std::move(original), std::move(workspace));
  const Fd run = CFS_TRY(open_directory(place));
  CFS_TRY(kernel.attach(result.workspace_, run, "."));
  return result;
}

PrivateNamespace::~PrivateNamespace() {
  if (original_) {
    // A failure leaves the process where nothing that it attaches can be seen; the error that brought us here
    // ends it.
    (void)leave();
  }
}

Result<> PrivateNamespace::attach(const Fd& mount, const std::string& name) {
  if (::mkdirat(workspace_.get(), name.c_str(), 0700) != 0) {
    return fail_errno(Code::mount_failed, cat("make a place for ", name));
  }
  return kernel_->attach(mount, workspace_, name);
}

Result<const Fd*> PrivateNamespace::memory() {
  if (!memory_) {
    Fd mounted = CFS_TRY(kernel_->mount(in_memory("0755")));
    CFS_TRY(attach(mounted, "memory"));
    memory_ = std::move(mounted);
  }
  return &memory_;
}

Result<> PrivateNamespace::leave() {
  const Fd original = std::move(original_);
  return kernel_->join_mounts(original);
}

}  // namespace cfs
