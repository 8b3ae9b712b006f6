// SPDX-License-Identifier: Apache-2.0
// Everything that a store directory holds, listed and checked before a disk is made of it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/store/boot_profile.hpp"
#include "cfs/tool/progress.hpp"

namespace cfs {

// Paths are relative to the store directory; each list is sorted by path.
struct StoreContents {
  struct Object {
    std::string path;  // "objects/ab/cdef…"
    Digest digest;     // what its name promises; whether the contents keep it is not known yet
    std::uint64_t size = 0;
  };
  struct File {
    std::string path;  // "manifests/NAME.toml", "manifests/NAME.toml.sig"
    std::string bytes;
    std::string manifest;     // NAME
    bool signatures = false;  // whether it holds the manifest's signatures, and not the manifest
  };
  struct Link {
    std::string path;  // "images/<hex>", "slots/SLOT"
    std::string target;
    std::variant<Digest, std::string> leads_to;  // an image, or the name of the manifest that a slot holds
  };

  Fd directory;
  std::vector<Object> objects;
  std::vector<File> manifests;
  std::vector<Link> links;
  std::vector<BootProfile> profiles;   // "profiles/<hex>"
  std::vector<std::string> leftovers;  // hidden names: temporary files of writers, interrupted or at work

  [[nodiscard]] Work size() const;  // of the objects

  // SHA-256 over names, manifests, links and profiles. Names of objects are digests, so two stores have the
  // same identity exactly when they hold the same. Code::io_error.
  [[nodiscard]] Result<std::string> identity() const;
};

// Lists the store directory `path` (the one that holds objects/, images/, manifests/, slots/ and
// profiles/; all but objects/ may be missing). What a writer leaves behind when it is interrupted has a name
// that begins with
// "." and is listed apart.
// Code::not_found, Code::store_malformed (no objects/; a name that no store has), Code::path_refused (a file
// of another kind than its place allows, a link that leads elsewhere, a manifest that is too large),
// Code::profile_malformed, Code::io_error.
[[nodiscard]] Result<StoreContents> read_store(const std::string& path);

// The same for a store that may be damaged: what each of these codes tells of a single entry becomes one of
// `problems`, and the listing goes on without that entry.
[[nodiscard]] Result<StoreContents> read_store(const std::string& path, std::vector<Error>& problems);

}  // namespace cfs
