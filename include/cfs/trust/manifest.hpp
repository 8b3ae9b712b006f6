// SPDX-License-Identifier: Apache-2.0
// The signed description of an image: NAME.toml.
//
// [image] id, version, security-version, digest, kind; [requires] kernel, kernel-release; [boot] init,
// complete; [state] etc, var; [annotations]. Unknown keys are an error everywhere but in [annotations].
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/result.hpp"
#include "cfs/base/words.hpp"

namespace cfs {

inline constexpr std::size_t manifest_max_bytes = 64UL * 1024;

// Ordered from strict to loose, so that a policy's cap is a minimum.
enum class EtcMode : std::uint8_t { none, transient, overlay };
enum class VarMode : std::uint8_t { none, transient, bind };

inline constexpr auto etc_words = std::to_array<Word<EtcMode>>(
    {{EtcMode::overlay, "overlay"}, {EtcMode::transient, "transient"}, {EtcMode::none, "none"}});
inline constexpr auto var_words = std::to_array<Word<VarMode>>(
    {{VarMode::bind, "bind"}, {VarMode::transient, "transient"}, {VarMode::none, "none"}});
[[nodiscard]] std::string_view name(EtcMode mode) noexcept;
[[nodiscard]] std::string_view name(VarMode mode) noexcept;

// What the image is composed of.
enum class ImageKind : std::uint8_t { composefs };
[[nodiscard]] std::string_view name(ImageKind kind) noexcept;

struct Manifest {
  std::string image_id;
  std::string version;                 // for people
  std::uint64_t security_version = 0;  // for anti-rollback
  Digest digest;                       // fs-verity digest of the metadata image
  ImageKind kind = ImageKind::composefs;
  std::string kernel_min;                       // "6.6": lowest kernel version; empty: any
  std::string kernel_release;                   // exact `uname -r`; empty: any
  std::vector<std::string> init{"/sbin/init"};  // absolute paths; the first is the default; never empty
  std::vector<std::string> complete;  // is_image_path(); what must be readable before the image is accepted
  EtcMode etc = EtcMode::transient;
  VarMode var = VarMode::bind;
  std::map<std::string, std::string> annotations;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// Whether `text` is a manifest name: [A-Za-z0-9][A-Za-z0-9._-]{0,63}.
[[nodiscard]] bool is_manifest_name(std::string_view text) noexcept;

// Whether `text` is an absolute path that names its place in one way only: "/", or components, each after one
// '/', none of them "." or "..". At most 4095 bytes.
[[nodiscard]] bool is_image_path(std::string_view text) noexcept;

// Parses the text of a manifest: at most manifest_max_bytes. Code::manifest_malformed. Pure; the boot calls
// it only on bytes whose signature was checked.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text);

// The text of a manifest; parse_manifest() of it gives the same manifest. Code::manifest_malformed for a
// value that no manifest can hold (an empty id, a relative path, a byte that is not printable ASCII).
[[nodiscard]] Result<std::string> format_manifest(const Manifest& manifest);

// Compares kernel versions by their leading numbers: whether release "6.12.9-cloud" is at least "6.6". A
// release or minimum that does not begin with MAJOR.MINOR is not.
[[nodiscard]] bool kernel_at_least(std::string_view release, std::string_view minimum) noexcept;

}  // namespace cfs
