// Everything that a store directory holds, listed and checked before a disk is made of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cfs/digest.hpp"
#include "cfs/fd.hpp"
#include "cfs/result.hpp"

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
  };
  struct Link {
    std::string path;  // "images/<hex>", "slots/SLOT"
    std::string target;
  };

  Fd directory;
  std::vector<Object> objects;
  std::vector<File> manifests;
  std::vector<Link> links;

  // SHA-256 over names, manifests and links. Names of objects are digests, so two stores have the same
  // identity exactly when they hold the same. Code::io_error.
  [[nodiscard]] Result<std::string> identity() const;
};

// Lists the store directory `path` (the one that holds objects/, images/, manifests/ and slots/; all but
// objects/ may be missing). Names that begin with "." are skipped: an interrupted writer can leave such
// temporary files behind.
// Code::not_found, Code::store_malformed (no objects/; a name that no store has), Code::path_refused (a file
// of another kind than its place allows, a link that leads elsewhere, a manifest that is too large),
// Code::io_error.
[[nodiscard]] Result<StoreContents> read_store(const std::string& path);

}  // namespace cfs
