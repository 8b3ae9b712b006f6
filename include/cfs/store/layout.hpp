// SPDX-License-Identifier: Apache-2.0
// The store's layout: where what lies in it, and what its links say. Paths are relative to the store's
// directory. (objects/ and images/ are as composefs-rs and mkcomposefs have them.)
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "cfs/base/digest.hpp"

namespace cfs::store_layout {

inline constexpr auto directory = "composefs";  // on the store's file system

inline constexpr auto images = "images";
inline constexpr auto manifests = "manifests";
inline constexpr auto objects = "objects";
inline constexpr auto profiles = "profiles";
inline constexpr auto slots = "slots";

// Sorted.
inline constexpr std::array<const char*, 5> parts{images, manifests, objects, profiles, slots};

// "objects/ab/cdef…"
[[nodiscard]] std::string object_path(const Digest& digest);

// "images/HEX", a link to the object of that digest: "../objects/ab/cdef…".
[[nodiscard]] std::string image_path(const Digest& digest);
[[nodiscard]] std::string image_link(const Digest& digest);

// "manifests/NAME.toml", and the signatures beside it: "manifests/NAME.toml.sig".
[[nodiscard]] std::string manifest_path(std::string_view name);
[[nodiscard]] std::string signature_path(std::string_view name);

// "profiles/HEX": the boot profile of an image.
[[nodiscard]] std::string profile_path(const Digest& image);

// What the link of a slot says: "../manifests/NAME.toml".
[[nodiscard]] std::string slot_link(std::string_view manifest_name);

// The name of the manifest that such a link leads to; nullopt if it is none.
[[nodiscard]] std::optional<std::string> parse_slot_link(std::string_view link);

// The name in the file name of a manifest, "NAME.toml", or of its signatures; nullopt if it is neither.
[[nodiscard]] std::optional<std::string> parse_manifest_file(std::string_view file_name);
[[nodiscard]] std::optional<std::string> parse_signature_file(std::string_view file_name);

}  // namespace cfs::store_layout
