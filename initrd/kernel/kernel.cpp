#include "cfs/kernel/kernel.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

std::string fd_path(const Fd& fd) {
  return cat("/proc/self/fd/", fd.get());
}

// A file system being configured: fsopen(2) to fsmount(2), or fspick(2) and again. Keeps the first thing the
// kernel refused.
class FsContext {
 public:
  static Result<FsContext> open(const std::string& type) {
    Fd fd(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
    if (!fd) {
      return errno == ENODEV ? fail(Code::kernel_feature, cat("the running kernel has no file system ", type))
                             : fail_errno(Code::mount_failed, cat("fsopen ", type));
    }
    return FsContext(type, std::move(fd));
  }

  static Result<FsContext> pick(const Fd& mount) {
    Fd fd(::fspick(mount.get(), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC));
    if (!fd) {
      return fail_errno(Code::mount_failed, "fspick");
    }
    return FsContext("the file system", std::move(fd));
  }

  Result<> set(const MountOption& option) {
    const bool flag = !option.value.has_value();
    return configure(flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, option.name.c_str(),
                     flag ? nullptr : option.value->c_str(), 0,
                     flag ? option.name : cat(option.name, '=', printable(*option.value)));
  }

  Result<> set_fd(const char* option, const Fd& value) {
    return configure(FSCONFIG_SET_FD, option, nullptr, value.get(), cat(option, " by descriptor"));
  }

  Result<> create() { return configure(FSCONFIG_CMD_CREATE, nullptr, nullptr, 0, "create"); }

  Result<> reconfigure() { return configure(FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0, "reconfigure"); }

  // errno of the last refusal.
  [[nodiscard]] int error() const noexcept { return error_; }

  Result<Fd> mount(unsigned attributes) {
    Fd mount(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, attributes));
    if (!mount) {
      return fail_errno(Code::mount_failed, cat("fsmount ", type_));
    }
    return mount;
  }

 private:
  FsContext(std::string type, Fd fd) : type_(std::move(type)), fd_(std::move(fd)) {}

  Result<> configure(unsigned command, const char* key, const void* value, int aux, const std::string& what) {
    if (::fsconfig(fd_.get(), command, key, value, aux) == 0) {
      return {};
    }
    error_ = errno;
    return fail(Code::mount_failed, cat(type_, ": ", what, ": ", errno_text(error_), messages()));
  }

  // The kernel's own words: read(2) on the context gives one message a call, "e text" for errors.
  std::string messages() {
    std::string text;
    std::array<char, 512> line{};
    for (;;) {
      const auto length = ::read(fd_.get(), line.data(), line.size());
      if (length <= 0) {
        return text;
      }
      std::string_view message(line.data(), static_cast<std::size_t>(length));
      while (message.ends_with('\n')) {
        message.remove_suffix(1);
      }
      text += cat(text.empty() ? " (kernel: " : "; ",
                  printable(message.substr(std::min<std::size_t>(2, message.size()))));
      if (line[0] == 'e') {
        text += ')';
        return text;
      }
    }
  }

  std::string type_;
  Fd fd_;
  int error_ = 0;
};

unsigned attributes(const MountRequest& request) {
  unsigned bits = 0;
  if (request.mount == Access::read_only) {
    bits |= MOUNT_ATTR_RDONLY;
  }
  if (!request.trusted) {
    bits |= MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
  }
  if (request.noexec) {
    bits |= MOUNT_ATTR_NOEXEC;
  }
  return bits;
}

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

// Contents that lie in the inode are read past fs-verity: up to autumn 2025 ext4 took an inode that has them
// and a Merkle tree, which then measures as something else than is read.
Result<> check_layout(const Fd& file) {
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_INLINE_DATA_FL) != 0) {
    return fail(Code::verity_missing, "its contents lie in its inode, where fs-verity does not reach");
  }
  return {};
}

// How the layers of an overlay are named, best first.
enum LayerInterface : std::uint8_t {
  layer_fd,      // FSCONFIG_SET_FD lowerdir+, datadir+: Linux 6.13
  layer_append,  // lowerdir+=PATH, datadir+=PATH: Linux 6.7
  layer_string,  // lowerdir=LOWER::DATA: Linux 6.5
};
constexpr std::array<std::string_view, 3> interface_names{"overlay-layer-fd", "overlay-layer-append",
                                                          "overlay-layer-string"};

}  // namespace

std::string Kernel::release() {
  utsname names{};
  ::uname(&names);
  return names.release;
}

void Kernel::used(std::string_view feature) {
  if (std::find(features_.begin(), features_.end(), feature) == features_.end()) {
    features_.emplace_back(feature);
  }
}

Result<> Kernel::mount_api(const std::string& type, const std::string& target,
                           std::vector<MountOption> options) {
  if (::mkdir(target.c_str(), 0755) != 0 && errno != EEXIST) {
    return fail_errno(Code::mount_failed, cat("create ", target));
  }
  std::string data;
  for (const MountOption& option : options) {
    data += cat(data.empty() ? "" : ",", option.name, '=', option.value.value_or(""));
  }
  const unsigned long flags = MS_NOSUID | (type == "devtmpfs" ? 0 : MS_NODEV) |
                              (type == "tmpfs" || type == "devtmpfs" ? 0 : MS_NOEXEC);
  if (::mount(type.c_str(), target.c_str(), type.c_str(), flags, data.c_str()) != 0 && errno != EBUSY) {
    return fail_errno(Code::mount_failed, cat("mount ", type, " at ", target));
  }
  return {};
}

Result<> Kernel::load_module(const Fd& module) {
  if (::syscall(SYS_finit_module, module.get(), "", 0) == 0 || errno == EEXIST || errno == ENODEV) {
    return {};
  }
  // EPERM: lockdown. EKEYREJECTED: module.sig_enforce, or a signature that does not match.
  if (errno == EPERM || errno == EKEYREJECTED) {
    return fail_errno(Code::module_refused, "the kernel demands a module signature that it trusts");
  }
  return fail_errno(Code::module_failed, "finit_module");
}

Result<Digest> Kernel::measure_verity(const Fd& file) {
  CFS_TRY(check_layout(file));
  // fsverity_digest ends in a flexible array: the bytes follow the header in one buffer.
  constexpr std::size_t longest = 64;
  alignas(fsverity_digest) std::array<unsigned char, sizeof(fsverity_digest) + longest> buffer{};
  fsverity_digest measured{};
  measured.digest_size = longest;
  std::memcpy(buffer.data(), &measured, sizeof measured);
  if (::ioctl(file.get(), FS_IOC_MEASURE_VERITY, buffer.data()) != 0) {
    if (errno == ENODATA) {
      return fail(Code::verity_missing, "fs-verity is not enabled on it");
    }
    if (errno == EOPNOTSUPP || errno == ENOTTY) {
      for (const char* known : {"/sys/fs/ext4/features/verity", "/sys/fs/f2fs/features/verity",
                                "/sys/fs/btrfs/features/verity"}) {
        if (::access(known, F_OK) == 0) {
          return fail(Code::verity_missing, "its file system has no fs-verity");
        }
      }
      return fail(Code::kernel_feature, "the running kernel has no fs-verity (CONFIG_FS_VERITY)");
    }
    return fail_errno(Code::io_error, "measure its fs-verity digest");
  }
  std::memcpy(&measured, buffer.data(), sizeof measured);
  if ((measured.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 &&
       measured.digest_algorithm != FS_VERITY_HASH_ALG_SHA512) ||
      measured.digest_size > longest) {
    return fail(Code::digest_mismatch,
                cat("its fs-verity hash algorithm is number ", measured.digest_algorithm));
  }
  return Digest::from_bytes(static_cast<HashAlgorithm>(measured.digest_algorithm),
                            std::span(buffer).subspan(sizeof measured, measured.digest_size));
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
  return context.mount(attributes(request));
}

Result<Fd> Kernel::mount_image(const VerifiedImage& image) {
  MountRequest request{.type = "erofs", .source = fd_path(image.fd()), .trusted = true};
  // By hand rather than through mount(): ENOTBLK decides, and the error is only text there.
  FsContext context = CFS_TRY(FsContext::open(request.type));
  CFS_TRY(context.set({"source", request.source}));
  CFS_TRY(context.set({"ro", std::nullopt}));
  auto created = context.create();
  if (created) {
    used("erofs-file");
    return context.mount(attributes(request));
  }
  if (context.error() != ENOTBLK) {
    return tl::unexpected(std::move(created.error()));
  }
  auto [loop, path] = CFS_TRY(attach_loop(image.fd()));
  request.source = path;
  used("erofs-loop");
  return mount(request);
}

Result<Fd> Kernel::try_overlay(const OverlayLayers& layers, int interface, bool& reached_create) {
  FsContext context = CFS_TRY(FsContext::open("overlay"));
  CFS_TRY(context.set({"source", "composefs-root"}));
  CFS_TRY(context.set({"metacopy", "on"}));
  CFS_TRY(context.set({"redirect_dir", "on"}));
  CFS_TRY(context.set({"verity", "require"}));
  switch (interface) {
    case layer_fd:
      CFS_TRY(context.set_fd("lowerdir+", layers.lower));
      CFS_TRY(context.set_fd("datadir+", layers.data));
      break;
    case layer_append:
      CFS_TRY(context.set({"lowerdir+", fd_path(layers.lower)}));
      CFS_TRY(context.set({"datadir+", fd_path(layers.data)}));
      break;
    default:
      CFS_TRY(context.set({"lowerdir", cat(fd_path(layers.lower), "::", fd_path(layers.data))}));
  }
  MountRequest request{.type = "overlay", .source = ""};
  if (layers.upper != nullptr) {
    CFS_TRY(context.set({"upperdir", fd_path(*layers.upper)}));
    CFS_TRY(context.set({"workdir", fd_path(*layers.work)}));
    request.mount = Access::read_write;
    request.trusted = layers.trusted;
  } else {
    CFS_TRY(context.set({"ro", std::nullopt}));
    request.trusted = true;  // its device nodes and set-uid programs are part of the verified image
  }
  reached_create = true;
  CFS_TRY(context.create());
  return context.mount(attributes(request));
}

Result<Fd> Kernel::mount_overlay(const OverlayLayers& layers) {
  Error refusal(Code::mount_failed, {});
  bool decisive = false;
  for (const int interface : {layer_fd, layer_append, layer_string}) {
    bool reached_create = false;
    auto mounted = try_overlay(layers, interface, reached_create);
    if (mounted) {
      used(interface_names[static_cast<std::size_t>(interface)]);
      return mounted;
    }
    // What to report: the words of the best interface, or of the first that got as far as creating the
    // overlay.
    if (interface == layer_fd || (reached_create && !decisive)) {
      refusal = std::move(mounted.error());
      decisive = reached_create;
    }
  }
  const std::string missing = missing_overlay_features(layers);
  if (!missing.empty()) {
    return fail(Code::kernel_feature, cat("the running kernel ", release(), " has no ", missing));
  }
  return tl::unexpected(std::move(refusal));
}

// Kernels before 6.5 take any option and answer a bare EINVAL when the overlay is created, so the only way to
// learn what they lack is to ask for one thing at a time.
std::string Kernel::missing_overlay_features(const OverlayLayers& layers) {
  const auto works = [&](std::string_view separator, bool verity) {
    auto context = FsContext::open("overlay");
    return context && context->set({"source", "composefs-root"}) && context->set({"metacopy", "on"}) &&
           context->set({"redirect_dir", "on"}) && (!verity || context->set({"verity", "require"})) &&
           context->set({"lowerdir", cat(fd_path(layers.lower), separator, fd_path(layers.data))}) &&
           context->set({"ro", std::nullopt}) && context->create();
  };
  if (!FsContext::open("overlay")) {
    return "overlayfs";
  }
  if (!works(":", false)) {
    return {};  // something else is wrong
  }
  std::string missing;
  if (!works("::", false)) {
    missing = "overlayfs data-only layers (Linux 6.5)";
  }
  if (!works(":", true)) {
    missing += cat(missing.empty() ? "" : " and no ", "overlayfs verity=require (Linux 6.6)");
  }
  return missing;
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

Result<> Kernel::ask_for_reboot() {
  if (::kill(1, SIGRTMIN + 5) != 0) {
    return fail_errno(Code::io_error, "ask systemd for a reboot");
  }
  return {};
}

void Kernel::act(FailureAction action) {
  ::sync();
  switch (action) {
    case FailureAction::reboot:
      ::reboot(RB_AUTOBOOT);
      break;
    case FailureAction::poweroff:
      ::reboot(RB_POWER_OFF);
      break;
    case FailureAction::halt:
      ::reboot(static_cast<int>(RB_HALT_SYSTEM));
      break;
  }
}

}  // namespace cfs
