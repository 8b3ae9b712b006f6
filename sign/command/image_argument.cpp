// SPDX-License-Identifier: Apache-2.0
#include "command/image_argument.hpp"

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/store/store.hpp"
#include "cfs/trust/manifest.hpp"

namespace cfs {

namespace {

bool is_digest(const std::string& text) {
  return text.starts_with("sha256:") || text.starts_with("sha512:");
}

// The image that a manifest of the store describes, signed or not.
Result<Digest> image_of(const Store& store, const std::string& name) {
  if (!is_manifest_name(name)) {
    return fail(Code::usage, cat("\"", printable(name), "\" is neither a digest nor the name of a manifest"));
  }
  const std::string path = store_layout::manifest_path(name);
  const auto file = open_file_beneath(store.directory(), path);
  if (!file) {
    return file.error().code() == Code::not_found
               ? fail(Code::manifest_missing, cat(path, " is not in the store"))
               : tl::unexpected(file.error());
  }
  const std::string text = CFS_TRY_IN(read_all(*file, manifest_max_bytes), path);
  return CFS_TRY_IN(parse_manifest(text), path).digest;
}

}  // namespace

Result<Digest> parse_digest_argument(const std::string& text) {
  auto digest = Digest::parse(text);
  return digest ? std::move(digest)
                : fail(digest.error().code(), digest.error().what(),
                       "give the digest that cfs-sign compose printed");
}

Result<ImageFile> load_named_image(const std::string& named, const std::string& store) {
  if (store.empty()) {
    return is_digest(named) ? fail(Code::usage, "a digest names an image of a store: name that with --store")
                            : load_image(named);
  }
  if (named.find('/') != std::string::npos) {
    return load_image(named);
  }
  const Store opened = CFS_TRY(Store::open(store));
  const Digest digest =
      is_digest(named) ? CFS_TRY(parse_digest_argument(named)) : CFS_TRY(image_of(opened, named));
  CFS_TRY_IN(opened.object(digest), cat("the image ", digest.text()));
  return load_image(cat(store, '/', store_layout::object_path(digest)));
}

}  // namespace cfs
