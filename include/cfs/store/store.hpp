// SPDX-License-Identifier: Apache-2.0
// A store on a hostile disk: every path is a name of ours, opened beneath the store, never followed.
//
// `directory` is the one that holds objects/, images/, manifests/, slots/ and profiles/.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

// The slots. A boot tries current, then previous, and next only when composefs.slot= names it.
inline constexpr std::array<std::string_view, 3> slot_names{"next", "current", "previous"};

[[nodiscard]] bool is_slot_name(std::string_view text) noexcept;

class Store {
 public:
  // Opens the store directory `path` that a user names. Code::not_found; Code::store_malformed for a
  // directory that is not a store.
  [[nodiscard]] static Result<Store> open(const std::string& path);

  // Opens DIRECTORY/composefs of a store's file system. Code::store_malformed.
  [[nodiscard]] static Result<Store> open_on(const Fd& file_system_root);

  [[nodiscard]] const Fd& directory() const noexcept { return directory_; }

  // objects/, where the data layer of the root lies. Code::store_malformed.
  [[nodiscard]] Result<Fd> objects() const;

  // The object of this digest. Code::image_missing, Code::path_refused, Code::io_error.
  [[nodiscard]] Result<Fd> object(const Digest& digest) const;

  // The boot profile of an image (boot_profile.hpp). Code::not_found, Code::path_refused, Code::io_error.
  [[nodiscard]] Result<Fd> profile(const Digest& image) const;

  // The manifest name that a slot holds, parsed from its link, which must read exactly
  // "../manifests/NAME.toml". nullopt if the slot is empty. Code::path_refused.
  [[nodiscard]] Result<std::optional<std::string>> slot(std::string_view slot_name) const;

  struct ManifestFiles {
    std::string bytes;
    std::string signatures;
  };

  // Code::manifest_missing, Code::signature_missing, Code::path_refused (also when too large),
  // Code::io_error.
  [[nodiscard]] Result<ManifestFiles> manifest(std::string_view name) const;

 private:
  explicit Store(Fd directory) : directory_(std::move(directory)) {}
  Fd directory_;
};

}  // namespace cfs
