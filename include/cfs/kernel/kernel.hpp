// SPDX-License-Identifier: Apache-2.0
// The only door to the system calls that change the machine: mounts, modules, loop devices, fs-verity,
// reboot.
//
// Nothing here decides; each function makes one act of the running kernel and says what the kernel said.
// Mounts are made detached (fsmount(2), open_tree(2)) and belong to the descriptor that is returned until
// attach().
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/trust/policy.hpp"
#include "cfs/trust/verify.hpp"

namespace cfs {

// An option of a file system: NAME=VALUE, or a flag when there is no value.
struct MountOption {
  std::string name;
  std::optional<std::string> value;
};

enum class Access : std::uint8_t { read_only, read_write };

struct MountRequest {
  std::string type;    // "ext4"
  std::string source;  // shown in the mount table; a device's path for those that have one
  std::vector<MountOption> options{};
  Access superblock = Access::read_only;
  Access mount = Access::read_only;
  bool trusted = false;  // false: nodev, nosuid
  bool noexec = false;
};

// What a mount does not let anyone do, besides what it does not already.
struct MountLimits {
  bool noexec = false;       // execute what lies there, or map it executable
  bool nosymfollow = false;  // follow symbolic links that lie there
};

// The layers of a composed tree. Lower and data must lie in mounts attached in the calling mount namespace.
struct OverlayLayers {
  const Fd& lower;            // directory of the mounted metadata image
  const Fd& data;             // objects/
  const Fd* upper = nullptr;  // both or none
  const Fd* work = nullptr;
  bool trusted = false;  // with an upper layer: whether device nodes and set-uid programs work all the same
};

class Kernel {
 public:
  // `uname -r`.
  [[nodiscard]] static std::string release();

  // Mounts a kernel file system (proc, sysfs, devtmpfs, tmpfs) at an existing or new directory of the
  // initramfs. Mounted already is success. Code::mount_failed.
  [[nodiscard]] Result<> mount_api(const std::string& type, const std::string& target,
                                   std::vector<MountOption> options);

  // finit_module(2). Loaded already, or for hardware that is not there (ENODEV), is success.
  // Code::module_refused when the kernel demands a signature (lockdown, module.sig_enforce) that it trusts,
  // and the module has none; else Code::module_failed.
  [[nodiscard]] Result<> load_module(const Fd& module);

  // FS_IOC_MEASURE_VERITY. Code::verity_missing, Code::kernel_feature (the kernel has no fs-verity at all).
  [[nodiscard]] Result<Digest> measure_verity(const Fd& file);

  // A new detached mount. Code::mount_failed with the kernel's own words; Code::kernel_feature when it does
  // not know the file system.
  [[nodiscard]] Result<Fd> mount(const MountRequest& request);

  // The metadata image as a detached read-only EROFS mount: backed by the file itself (Linux 6.12), else by a
  // read-only loop device. Code::mount_failed, Code::kernel_feature.
  [[nodiscard]] Result<Fd> mount_image(const VerifiedImage& image);

  // A detached overlayfs mount with verity=require; read-only without an upper layer, else nodev and nosuid
  // unless trusted.
  // Layers are given by the best interface the kernel takes. Code::kernel_feature naming what it lacks,
  // Code::mount_failed.
  [[nodiscard]] Result<Fd> mount_overlay(const OverlayLayers& layers);

  // A detached clone of the tree at `path` below `directory` (empty: itself), with all that is mounted below
  // it. The tree must be attached in the calling namespace. Code::mount_failed.
  [[nodiscard]] Result<Fd> clone_tree(const Fd& directory, const std::string& path);

  // The same of the mount alone that `directory` is the top of, without what is mounted below it.
  [[nodiscard]] Result<Fd> clone_mount(const Fd& directory);

  // Makes a mount writable or read-only; its superblock stays as it is.
  [[nodiscard]] Result<> set_access(const Fd& mount, Access access);

  // Lays limits on a mount. Code::mount_failed.
  [[nodiscard]] Result<> limit(const Fd& mount, const MountLimits& limits);

  // Makes the file system of a mount read-only or writable, for all mounts of it. Read-only, it is as after
  // being unmounted. Code::mount_failed, also while a file on it is open for writing.
  [[nodiscard]] Result<> set_file_system_access(const Fd& mount, Access access);

  // Grows the mounted, writable ext4 of `mount` to the size of its device, if it is smaller by a block or
  // more. Code::io_error.
  [[nodiscard]] Result<> grow_ext4(const Fd& mount, const Fd& device);

  // Attaches a detached mount at `path` below `directory`, without following links. Code::mount_failed.
  [[nodiscard]] Result<> attach(const Fd& mount, const Fd& directory, const std::string& path);

  // Detaches what is mounted at `path`, with all below it; those who use it keep it. Nothing there is
  // success.
  void detach(const std::string& path);

  // Moves the mount at `from` to `to` below `directory`. Code::mount_failed.
  [[nodiscard]] Result<> move(const std::string& from, const Fd& directory, const std::string& to);

  // Lays a mount of the initramfs over itself, where make_root() can put another in its place: the very root
  // of a machine cannot be exchanged. For PID 1 before it leaves the mount namespace for the first time:
  // until then the kernel's threads have their root where it has its. Code::mount_failed.
  [[nodiscard]] Result<> cover_root();

  // Exchanges the root of the machine, after cover_root(), for `root` (an attached mount, and the working
  // directory afterwards); for the kernel's threads, too, which load modules and run helpers in their root.
  // Code::mount_failed.
  [[nodiscard]] Result<> make_root(const Fd& root);

  // Gives this process a mount namespace of its own, a copy from which nothing propagates. Returns the one it
  // left. Needs a single-threaded process and /proc. Code::mount_failed.
  [[nodiscard]] Result<Fd> unshare_mounts();

  // Enters a mount namespace; root and working directory become the namespace's "/". Code::mount_failed.
  [[nodiscard]] Result<> join_mounts(const Fd& mount_namespace);

  // Does not return when it succeeds.
  void act(FailureAction action);

  // Has systemd, where that is PID 1, stop everything and reboot the machine (systemd(1), SIGNALS).
  // Code::io_error.
  [[nodiscard]] Result<> ask_for_reboot();

  // The interfaces that were used, such as "erofs-file" or "overlay-layer-fd", in order of first use.
  [[nodiscard]] const std::vector<std::string>& features() const noexcept { return features_; }

 private:
  [[nodiscard]] Result<Fd> try_overlay(const OverlayLayers& layers, int interface, bool& reached_create);
  [[nodiscard]] std::string missing_overlay_features(const OverlayLayers& layers);
  void used(std::string_view feature);
  std::vector<std::string> features_;
};

}  // namespace cfs
