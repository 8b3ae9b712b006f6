// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/layout.hpp"

#include "cfs/base/text.hpp"
#include "cfs/trust/manifest.hpp"

namespace cfs::store_layout {

namespace {

constexpr std::string_view manifest_suffix = ".toml";
constexpr std::string_view signature_suffix = ".toml.sig";
constexpr std::string_view slot_link_prefix = "../manifests/";

// PREFIX NAME SUFFIX, with a manifest's name.
std::optional<std::string> name_between(std::string_view text, std::string_view prefix,
                                        std::string_view suffix) {
  if (text.size() < prefix.size() + suffix.size() || !text.starts_with(prefix) || !text.ends_with(suffix)) {
    return std::nullopt;
  }
  text.remove_prefix(prefix.size());
  text.remove_suffix(suffix.size());
  return is_manifest_name(text) ? std::optional(std::string(text)) : std::nullopt;
}

}  // namespace

std::string object_path(const Digest& digest) {
  return cat(objects, '/', digest.object_path());
}

std::string image_path(const Digest& digest) {
  return cat(images, '/', digest.hex());
}

std::string image_link(const Digest& digest) {
  return cat("../", object_path(digest));
}

std::string manifest_path(std::string_view name) {
  return cat(manifests, '/', name, manifest_suffix);
}

std::string signature_path(std::string_view name) {
  return cat(manifests, '/', name, signature_suffix);
}

std::string profile_path(const Digest& image) {
  return cat(profiles, '/', image.hex());
}

std::string slot_link(std::string_view manifest_name) {
  return cat(slot_link_prefix, manifest_name, manifest_suffix);
}

std::optional<std::string> parse_slot_link(std::string_view link) {
  return name_between(link, slot_link_prefix, manifest_suffix);
}

std::optional<std::string> parse_manifest_file(std::string_view file_name) {
  return name_between(file_name, "", manifest_suffix);
}

std::optional<std::string> parse_signature_file(std::string_view file_name) {
  return name_between(file_name, "", signature_suffix);
}

}  // namespace cfs::store_layout
