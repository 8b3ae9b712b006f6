// SPDX-License-Identifier: Apache-2.0
// The chain from bytes to an image that may be mounted. Verified things can be made only here.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/trust/key.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

// A manifest whose signatures, image id, security-version and kernel requirement were accepted.
class VerifiedManifest {
 public:
  [[nodiscard]] const Manifest& manifest() const noexcept { return manifest_; }
  [[nodiscard]] const std::vector<std::string>& signers() const noexcept { return signers_; }  // key ids
  // Of the state that the manifest asks for, what the policy allows.
  [[nodiscard]] EtcMode etc() const noexcept { return etc_; }
  [[nodiscard]] VarMode var() const noexcept { return var_; }

  // The init to execute: `requested` (from init=) if the manifest lists it, or any absolute path if the
  // command line is a signed one; without a request the manifest's first. Code::init_refused.
  [[nodiscard]] Result<std::string> init(const std::optional<std::string>& requested) const;

 private:
  friend Result<VerifiedManifest> verify_manifest(std::string_view, std::string_view,
                                                  std::span<const PublicKey>, const Policy&,
                                                  std::string_view);
  VerifiedManifest() = default;
  Manifest manifest_;
  std::vector<std::string> signers_;
  EtcMode etc_ = EtcMode::none;
  VarMode var_ = VarMode::none;
  bool any_init_ = false;
};

// Code::policy_malformed when the threshold is above the number of keys that are not revoked: then not one
// image could ever be accepted.
[[nodiscard]] Result<> check_threshold(std::span<const PublicKey> keys, const Policy::Trust& trust);

// `bytes` and `signature_file` are the raw files; signatures are checked before the bytes are parsed.
// `kernel_release` is the running kernel's `uname -r`; empty skips the kernel requirement (on a build host).
// Code::signature_malformed, signature_untrusted, manifest_malformed, image_id_mismatch, version_too_low,
// kernel_mismatch; state_failed when the image keeps state and the policy names no place for it;
// and that of check_threshold().
[[nodiscard]] Result<VerifiedManifest> verify_manifest(std::string_view bytes,
                                                       std::string_view signature_file,
                                                       std::span<const PublicKey> keys, const Policy& policy,
                                                       std::string_view kernel_release);

// Returns the fs-verity digest of an open file: the kernel's word (Kernel::measure_verity) on a device. On a
// build host it is computed, with the algorithm of the digest that is expected.
using MeasureVerity = std::function<Result<Digest>(const Fd& file, HashAlgorithm expected)>;

// An image file whose measured fs-verity digest is the one in its verified manifest. The descriptor that was
// measured is the descriptor that is mounted.
class VerifiedImage {
 public:
  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }

 private:
  friend Result<VerifiedImage> verify_image(Fd, const VerifiedManifest&, const MeasureVerity&);
  explicit VerifiedImage(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Code::digest_mismatch, and what `measure` reports.
[[nodiscard]] Result<VerifiedImage> verify_image(Fd image, const VerifiedManifest& manifest,
                                                 const MeasureVerity& measure);

}  // namespace cfs
