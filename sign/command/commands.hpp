// What each command of cfs-sign needs, and the function that does it: main.cpp fills the options in.
//
// A command prints its result on standard output and reports failure by its Result; progress goes to standard
// error when that is a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/result.hpp"
#include "cfs/image/overlay_tree.hpp"
#include "cfs/initramfs/cpio.hpp"
#include "cfs/trust/key.hpp"

namespace cfs {

struct KeygenOptions {
  KeyAlgorithm algorithm = KeyAlgorithm::ed25519;
  std::string prefix;  // PREFIX.key, PREFIX.pub
  bool force = false;
};
[[nodiscard]] Result<> keygen_command(const KeygenOptions& options);

struct ComposeOptions {
  std::string store;                  // empty with digest_only
  std::string root;                   // directory, tar archive or OCI image; empty with dump
  std::string dump;                   // file, or "-"
  std::optional<ImageFormat> format;  // none: as mkcomposefs chooses
  std::string platform;               // of an OCI image; empty: the only one
  std::vector<std::string> exclude;
  std::optional<std::int64_t> mtime;  // none: SOURCE_DATE_EPOCH
  std::string selinux;                // file contexts
  HashAlgorithm hash = HashAlgorithm::sha256;
  bool owner_root = false;
  bool digest_only = false;
  bool json = false;
};
[[nodiscard]] Result<> compose_command(const ComposeOptions& options);

struct ManifestOptions {
  std::string store;
  std::string image_id;
  std::string version;
  std::uint64_t security_version = 0;
  std::string name;  // empty: made from the image id and version
  std::string etc;   // empty: the default
  std::string var;
  std::vector<std::string> init;
  std::vector<std::string> complete;  // empty: the usual places; "none" alone: none
  std::string kernel_min;             // empty: the default; "none": any
  std::string kernel_release;
  std::vector<std::string> annotations;  // KEY=VALUE
  std::string digest;
};
[[nodiscard]] Result<> manifest_command(const ManifestOptions& options);

struct SignOptions {
  std::vector<std::string> keys;  // private keys
  std::string manifest;
};
[[nodiscard]] Result<> sign_command(const SignOptions& options);

struct SlotOptions {
  std::string store;
  std::string slot;
  std::string name;  // empty: show
};
[[nodiscard]] Result<> slot_command(const SlotOptions& options);

struct VerifyOptions {
  std::string policy;
  std::string keys;
  std::string store;
  std::string cmdline;  // the kernel command line to assume
  bool objects = false;
};
[[nodiscard]] Result<> verify_command(const VerifyOptions& options);

struct DiskOptions {
  std::string store;
  std::string output;
  std::string size;        // "2G"; empty: as small as the store needs
  std::string state_size;  // "512M"; empty: the default
  std::string profile;     // of an image of the store; empty: those in the store only
  bool raw = false;
};
[[nodiscard]] Result<> disk_command(const DiskOptions& options);

struct InitramfsOptions {
  std::string policy;
  std::string keys;
  std::string modules;  // ROOTFS/lib/modules/KVER; empty: none, with an inner archive
  std::string inner;    // an initrd with systemd to start after this program has decided; "-": standard input
  std::string output;   // "-": standard output
  std::string program;  // composefs-root; empty: the installed one, or the one built beside cfs-sign
  std::vector<std::string> required;  // modules to include besides those always needed
  std::vector<std::string> left_out;  // modules that others only ask for
  bool strip_module_signatures = false;
  Compression compression = Compression::zstd;
};
[[nodiscard]] Result<> initramfs_command(const InitramfsOptions& options);

struct InspectOptions {
  std::string image;
  bool json = false;
};
[[nodiscard]] Result<> inspect_command(const InspectOptions& options);

struct DiffOptions {
  std::string before;
  std::string after;
  bool json = false;
};
[[nodiscard]] Result<> diff_command(const DiffOptions& options);

struct FsckOptions {
  std::string store;
  bool json = false;
};
[[nodiscard]] Result<> fsck_command(const FsckOptions& options);

struct GcOptions {
  std::string store;
  std::vector<std::string> keep;  // names of manifests
  bool dry_run = false;
  bool json = false;
};
[[nodiscard]] Result<> gc_command(const GcOptions& options);

struct StatusOptions {
  std::string root;  // of another system; empty: of this one
  bool json = false;
  bool journal = false;  // instead of printing
};
[[nodiscard]] Result<> status_command(const StatusOptions& options);

struct BootChartOptions {
  std::string root;    // of another system; empty: of this one, whose systemd is asked too
  std::string output;  // empty: standard output
};
[[nodiscard]] Result<> boot_chart_command(const BootChartOptions& options);

struct ProfileRecordOptions {
  std::string output;  // empty: standard output
  std::string after;   // a profile of what the same boot had read earlier; empty: none
};
[[nodiscard]] Result<> profile_record_command(const ProfileRecordOptions& options);

struct ProfileApplyOptions {
  std::string profile;
  std::string store;  // empty: that of this system
};
[[nodiscard]] Result<> profile_apply_command(const ProfileApplyOptions& options);

struct FactoryResetOptions {
  std::string state;  // where the file system with the state is mounted; empty: that of this system
  bool cancel = false;
};
[[nodiscard]] Result<> factory_reset_command(const FactoryResetOptions& options);

}  // namespace cfs
