// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/host_advice.hpp"

namespace cfs {

std::string_view host_advice(Code code) noexcept {
  switch (code) {
    case Code::usage:
      return "see cfs-sign --help";
    case Code::io_error:
      return "check the path, the permissions and the free space";
    case Code::archive_malformed:
      return "check the path, or make the archive again";
    case Code::image_malformed:
      return "check the path, or compose the image again";
    case Code::policy_missing:
      return "check the path, or write a policy: see POLICY in composefs-root(8)";
    case Code::policy_malformed:
      return "correct the policy: see POLICY in composefs-root(8)";
    case Code::key_missing:
      return "name a directory that holds public keys, NAME.pub of cfs-sign keygen";
    case Code::parameter_refused:
      return "remove the parameter, or name it in the policy's cmdline.allow";
    case Code::module_failed:
      return "check --modules and the names of the modules";
    case Code::path_refused:
      return "remove it, or make the store again with cfs-sign compose";
    case Code::store_malformed:
      return "name a store that cfs-sign compose made";
    case Code::manifest_missing:
      return "check the name, or make the manifest with cfs-sign manifest";
    case Code::signature_untrusted:
      return "sign the manifest with a key whose NAME.pub is in the directory of keys";
    case Code::image_id_mismatch:
      return "make the manifest with the policy's image-id";
    case Code::version_too_low:
      return "make the manifest with a security-version that is not below the policy's floor";
    case Code::image_missing:
      return "compose the image into this store";
    case Code::verity_missing:
    case Code::digest_mismatch:
    case Code::object_missing:
      return "compose the image into this store again";
    case Code::object_damaged:
      return "remove the object, and compose the image into this store again";
    case Code::init_refused:
      return "remove init=, or name the program with cfs-sign manifest --init";
    case Code::state_failed:
      return "name a device in the policy's [state]";
    case Code::no_candidate:
      return "put a manifest that the policy accepts into a slot with cfs-sign slot";
    default:
      return advice(code);
  }
}

}  // namespace cfs
