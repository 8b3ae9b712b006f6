#include "workspace.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfs/file.hpp"
#include "cfs/text.hpp"
#include "measure.hpp"

namespace cfs::bench {

namespace {

constexpr off_t size = 8L << 30;                 // sparse: takes the memory that is written
constexpr const char* bytes_per_inode = "8192";  // so that there are more than a million

}  // namespace

FreshFileSystem::FreshFileSystem(FreshFileSystem&& other) noexcept
    : file_(std::exchange(other.file_, {})),
      mount_point_(std::move(other.mount_point_)),
      root_(std::move(other.root_)) {}

FreshFileSystem::~FreshFileSystem() {
  if (!file_.empty()) {
    root_.reset();
    ::umount(mount_point_.c_str());  // if it was mounted
    ::unlink(file_.c_str());
  }
}

Result<> FreshFileSystem::flush() const {
  return ::syncfs(root_.get()) == 0 ? Result<>() : fail_errno(Code::io_error, "flush the file system");
}

Result<Workspace> Workspace::open(const std::string& directory) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno(Code::io_error, "make a mount namespace");
  }
  if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=90%,mode=0700") != 0) {
    return fail_errno(Code::io_error, cat("mount a tmpfs at ", directory));
  }
  return Workspace(directory);
}

Result<FreshFileSystem> Workspace::make_file_system(const std::string& name) const {
  const std::string mount_point = path(name);
  const std::string file = mount_point + ".img";
  if (::mkdir(mount_point.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno(Code::io_error, cat("create ", mount_point));
  }
  const Fd device(::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  FreshFileSystem made(file, mount_point);
  if (!device || ::ftruncate(device.get(), size) != 0) {
    return fail_errno(Code::io_error, cat("create ", file));
  }
  CFS_TRY(run({"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-i", bytes_per_inode, file}));
  // noinit_itable: no kernel thread writes inode tables while programs are measured.
  CFS_TRY(run({"mount", "-o", "loop,noinit_itable", file, mount_point}));
  made.root_ = CFS_TRY(open_directory(mount_point));
  return made;
}

}  // namespace cfs::bench
