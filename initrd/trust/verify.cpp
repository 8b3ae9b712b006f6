// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/verify.hpp"

#include <algorithm>

#include "cfs/base/text.hpp"
#include "cfs/trust/signature.hpp"

namespace cfs {

Result<> check_threshold(std::span<const PublicKey> keys, const Policy::Trust& trust) {
  const auto usable = std::count_if(keys.begin(), keys.end(),
                                    [&](const PublicKey& key) { return !trust.revoked.contains(key.id); });
  if (trust.threshold > static_cast<std::uint64_t>(usable)) {
    return fail(Code::policy_malformed, cat("trust.threshold is ", trust.threshold, ", but only ", usable,
                                            usable == 1 ? " key" : " keys", " can sign"));
  }
  return {};
}

namespace {

Result<> check_kernel(const Manifest& manifest, std::string_view release) {
  if (release.empty()) {
    return {};
  }
  if (!manifest.kernel_min.empty() && !kernel_at_least(release, manifest.kernel_min)) {
    return fail(Code::kernel_mismatch, cat("the image needs Linux ", manifest.kernel_min,
                                           " or newer, and this is ", printable(release)));
  }
  if (!manifest.kernel_release.empty() && release != manifest.kernel_release) {
    return fail(Code::kernel_mismatch,
                cat("the image needs Linux ", manifest.kernel_release, ", and this is ", printable(release)));
  }
  return {};
}

}  // namespace

Result<std::string> VerifiedManifest::init(const std::optional<std::string>& requested) const {
  const auto& allowed = manifest_.init;
  if (!requested) {
    return allowed.front();
  }
  const bool listed = std::find(allowed.begin(), allowed.end(), *requested) != allowed.end();
  if (!listed && !(any_init_ && requested->starts_with('/'))) {
    return fail(Code::init_refused,
                cat("init=", printable(*requested), " is not a program that the manifest allows"));
  }
  return *requested;
}

Result<VerifiedManifest> verify_manifest(std::string_view bytes, std::string_view signature_file,
                                         std::span<const PublicKey> keys, const Policy& policy,
                                         std::string_view kernel_release) {
  CFS_TRY(check_threshold(keys, policy.trust));
  VerifiedManifest verified;
  verified.signers_ =
      CFS_TRY(check_signatures(manifest_signature_prefix, bytes, signature_file, keys, policy.trust));
  verified.manifest_ = CFS_TRY(parse_manifest(bytes));
  const Manifest& manifest = verified.manifest_;
  if (manifest.image_id != policy.image_id) {
    return fail(Code::image_id_mismatch,
                cat("the manifest is for \"", printable(manifest.image_id), "\", and this device takes \"",
                    printable(policy.image_id), "\""));
  }
  if (manifest.security_version < policy.trust.security_version_floor) {
    return fail(Code::version_too_low, cat("security-version ", manifest.security_version,
                                           " is below the floor of ", policy.trust.security_version_floor));
  }
  CFS_TRY(check_kernel(manifest, kernel_release));
  verified.etc_ = std::min(manifest.etc, policy.state.etc);
  verified.var_ = std::min(manifest.var, policy.state.var);
  const bool persistent = verified.etc_ == EtcMode::overlay || verified.var_ == VarMode::bind;
  if (persistent && policy.state.place.on == StatePlace::On::nothing) {
    return fail(Code::state_failed, "the image keeps state, and the policy names no state.device for it",
                "name one, or make the manifest with --etc and --var that keep nothing");
  }
  verified.any_init_ = policy.cmdline.trust == CmdlineTrust::signed_cmdline;
  return verified;
}

Result<VerifiedImage> verify_image(Fd image, const VerifiedManifest& manifest, const MeasureVerity& measure) {
  const Digest& expected = manifest.manifest().digest;
  const Digest measured = CFS_TRY(measure(image, expected.algorithm()));
  if (measured != expected) {
    return fail(Code::digest_mismatch,
                cat("the image's digest is ", measured.text(), ", and its manifest names ", expected.text()));
  }
  return VerifiedImage(std::move(image));
}

}  // namespace cfs
