// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/result.hpp"

#include <cstring>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

struct CodeText {
  std::string_view name;
  std::string_view advice;
};

CodeText describe(Code code) noexcept {
  // A switch, not a table: the compiler names a code that is missing here.
  switch (code) {
    case Code::usage:
      return {"usage", "see --help"};
    case Code::io_error:
      return {"io-error", "check the device, the free space and the permissions"};
    case Code::not_found:
      return {"not-found", "check the path"};
    case Code::already_exists:
      return {"already-exists", "choose another name, or remove what is there"};
    case Code::unsupported_input:
      return {"unsupported-input", "correct the input"};
    case Code::input_changed:
      return {"input-changed", "run again when nothing writes to the input"};
    case Code::archive_malformed:
      return {"archive-malformed", "make the archive again"};
    case Code::blob_mismatch:
      return {"blob-mismatch", "fetch the OCI image again"};
    case Code::interrupted:
      return {"interrupted", "run again; nothing half-written was left"};
    case Code::policy_missing:
      return {"policy-missing", "build the initramfs with a policy"};
    case Code::policy_malformed:
      return {"policy-malformed", "correct the policy and build the initramfs again"};
    case Code::key_malformed:
      return {"key-malformed",
              "use a key that cfs-sign keygen made, or its public half as DER SubjectPublicKeyInfo"};
    case Code::key_missing:
      return {"key-missing", "build the initramfs with at least one public key"};
    case Code::parameter_refused:
      return {"parameter-refused",
              "remove the parameter, or boot a signed command line and say so in the policy"};
    case Code::module_failed:
      return {"module-failed", "build the initramfs again for this kernel"};
    case Code::module_refused:
      return {"module-refused",
              "build the initramfs with this kernel's own modules, without --strip-module-signatures"};
    case Code::device_missing:
      return {"device-missing",
              "check that the device is attached and that its tag is the one in the policy"};
    case Code::device_ambiguous:
      return {"device-ambiguous", "detach one of the devices, or give them different tags"};
    case Code::device_unreadable:
      return {"device-unreadable", "check the device; it must hold ext4, btrfs or f2fs"};
    case Code::file_system_refused:
      return {"file-system-refused",
              "make it with cfs-sign disk or a plain mkfs.ext4, or see store-filesystem in "
              "composefs-root-policy(5)"};
    case Code::mount_failed:
      return {"mount-failed", "see the kernel log for what the kernel refused"};
    case Code::kernel_feature:
      return {"kernel-feature-missing", "boot a kernel that has it, Linux 6.6 or newer"};
    case Code::path_refused:
      return {"path-refused", "treat the store as tampered with; install the image again"};
    case Code::store_malformed:
      return {"store-malformed", "install the image again"};
    case Code::manifest_missing:
      return {"manifest-missing", "install the image again"};
    case Code::manifest_malformed:
      return {"manifest-malformed", "make the manifest again with cfs-sign manifest, and sign it"};
    case Code::signature_missing:
      return {"signature-missing", "sign the manifest with cfs-sign sign"};
    case Code::signature_malformed:
      return {"signature-malformed", "sign the manifest again with cfs-sign sign"};
    case Code::signature_untrusted:
      return {"signature-untrusted", "install an image signed by the keys this device trusts"};
    case Code::image_id_mismatch:
      return {"image-id-mismatch", "install the image made for this device"};
    case Code::version_too_low:
      return {"version-too-low", "install a newer image; this one is older than the device accepts"};
    case Code::kernel_mismatch:
      return {"kernel-mismatch", "boot the kernel that the image was made for"};
    case Code::image_missing:
      return {"image-missing", "install the image again"};
    case Code::image_malformed:
      return {"image-malformed", "compose the image again; do not use this one"};
    case Code::verity_missing:
      return {"verity-missing", "make the store with cfs-sign disk, or enable fs-verity on its objects"};
    case Code::digest_mismatch:
      return {"digest-mismatch", "treat the store as tampered with; install the image again"};
    case Code::object_damaged:
      return {"object-damaged", "install the image again, or compose the object into the store"};
    case Code::object_missing:
      return {"object-missing", "install the image again, or compose it into the store"};
    case Code::init_refused:
      return {"init-refused", "remove init= or name a program from the manifest's boot.init"};
    case Code::init_failed:
      return {"init-failed", "check that the image holds the init program that the manifest names"};
    case Code::state_failed:
      return {"state-failed", "check the state device; its contents may need repair"};
    case Code::no_candidate:
      return {"no-candidate", "install an image that this device accepts"};
    case Code::root_replaced:
      return {"root-replaced", "see what else mounts there: units, an fstab in the image or the initramfs"};
    case Code::report_malformed:
      return {"report-malformed", "use the cfs-sign of the same version as the initramfs"};
    case Code::initrd_refused:
      return {"initrd-refused",
              "make the initrd with cfs-sign initramfs --inner or its dracut module, or boot a signed "
              "command line "
              "and say so in the policy"};
    case Code::profile_malformed:
      return {"profile-malformed", "record the profile again"};
    case Code::door_open:
      return {"door-open", "see what else changes /run and /proc; boot again"};
  }
  return {"unknown", "report this"};
}

}  // namespace

std::string_view name(Code code) noexcept {
  return describe(code).name;
}

std::string_view advice(Code code) noexcept {
  return describe(code).advice;
}

std::string Error::line(std::string_view advice) const {
  return cat(name(code_), ": ", what_, ": ", advice_.text() != nullptr ? advice_.text() : advice);
}

std::string errno_text(int error) {
  // strerrordesc_np needs no locale and no static buffer.
  const char* text = ::strerrordesc_np(error < 0 ? -error : error);
  return text != nullptr ? std::string(text) : cat("error ", error);
}

tl::unexpected<Error> fail_errno(Code code, std::string_view what, int error) {
  return fail(code, cat(what, ": ", errno_text(error)));
}

}  // namespace cfs
