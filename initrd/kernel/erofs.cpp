// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include "cfs/base/text.hpp"
#include "kernel/fs_context.hpp"

namespace cfs {

namespace {

// A read-only loop device over `file` that goes away with its last user.
Result<std::pair<Fd, std::string>> attach_loop(const Fd& file) {
  const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control) {
    return fail_errno(Code::kernel_feature,
                      "the running kernel has neither file-backed EROFS (Linux 6.12) nor loop devices");
  }
  // Another process can take the free device between the two calls; then the next one is asked for.
  for (int attempt = 0; attempt < 64; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) {
      return fail_errno(Code::mount_failed, "find a free loop device");
    }
    std::string path = cat("/dev/loop", number);
    Fd device(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!device) {
      return fail_errno(Code::mount_failed, cat("open ", path));
    }
    loop_config config{};
    config.fd = static_cast<unsigned>(file.get());
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      return std::pair(std::move(device), std::move(path));
    }
    if (errno != EBUSY) {
      return fail_errno(Code::mount_failed, cat("attach the image to ", path));
    }
  }
  return fail(Code::mount_failed, "every loop device was taken by someone else");
}

}  // namespace

Result<Fd> Kernel::mount_image(const VerifiedImage& image) {
  MountRequest request{.type = "erofs", .source = fd_path(image.fd()), .trusted = true};
  // By hand rather than through mount(): ENOTBLK decides, and the error is only text there.
  FsContext context = CFS_TRY(FsContext::open(request.type));
  CFS_TRY(context.set({"source", request.source}));
  CFS_TRY(context.set({"ro", std::nullopt}));
  auto created = context.create();
  if (created) {
    used("erofs-file");
    return context.mount(mount_attributes(request));
  }
  if (context.error() != ENOTBLK) {
    return tl::unexpected(std::move(created.error()));
  }
  auto [loop, path] = CFS_TRY(attach_loop(image.fd()));
  request.source = path;
  used("erofs-loop");
  return mount(request);
}

}  // namespace cfs
