// SPDX-License-Identifier: Apache-2.0
#include "workspace.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "measure.hpp"

namespace cfs::bench {

namespace {

constexpr off_t size = 8L << 30;                 // sparse: takes the memory that is written
constexpr const char* bytes_per_inode = "8192";  // so that there are more than a million

struct LoopDevice {
  std::string path;
  Fd fd;  // the device goes when it is neither open nor mounted
};

// A loop device in memory. Not a file on a tmpfs of our namespace: that file would keep the tmpfs, and the
// tmpfs what is mounted on the device.
Result<LoopDevice> make_device() {
  const Fd memory(::memfd_create("cfs-bench", MFD_CLOEXEC));
  const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!memory || ::ftruncate(memory.get(), size) != 0 || !control) {
    return fail_errno(Code::io_error, "make a device in memory");
  }
  loop_config configuration{};
  configuration.fd = static_cast<__u32>(memory.get());
  configuration.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (;;) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) {
      return fail_errno(Code::io_error, "find a free loop device");
    }
    LoopDevice device{.path = cat("/dev/loop", number), .fd = Fd()};
    device.fd = Fd(::open(device.path.c_str(), O_RDWR | O_CLOEXEC));
    if (device.fd && ::ioctl(device.fd.get(), LOOP_CONFIGURE, &configuration) == 0) {
      return device;
    }
    if (errno != EBUSY) {  // another was faster
      return fail_errno(Code::io_error, cat("set up ", device.path));
    }
  }
}

}  // namespace

FreshFileSystem::FreshFileSystem(FreshFileSystem&& other) noexcept
    : mount_point_(std::exchange(other.mount_point_, {})), root_(std::move(other.root_)) {}

FreshFileSystem::~FreshFileSystem() {
  if (!mount_point_.empty()) {
    root_.reset();
    ::umount(mount_point_.c_str());
  }
}

Result<> FreshFileSystem::flush() const {
  return ::syncfs(root_.get()) == 0 ? Result<>() : fail_errno(Code::io_error, "flush the file system");
}

Result<Workspace> Workspace::open(const std::string& directory) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno(Code::io_error, "make a mount namespace");
  }
  return Workspace(directory);
}

Result<FreshFileSystem> Workspace::make_file_system(const std::string& name) const {
  const std::string mount_point = path(name);
  if (::mkdir(mount_point.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno(Code::io_error, cat("create ", mount_point));
  }
  const LoopDevice device = CFS_TRY(make_device());
  CFS_TRY(run({"mke2fs", "-q", "-t", "ext4", "-m", "0", "-i", bytes_per_inode, device.path}));
  // noinit_itable: no kernel thread writes inode tables while programs are measured.
  if (::mount(device.path.c_str(), mount_point.c_str(), "ext4", 0, "noinit_itable") != 0) {
    return fail_errno(Code::io_error, cat("mount ", device.path));
  }
  return FreshFileSystem(mount_point, CFS_TRY(open_directory(mount_point)));
}

}  // namespace cfs::bench
