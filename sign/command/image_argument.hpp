// SPDX-License-Identifier: Apache-2.0
// An image that the user names.
#pragma once

#include <string>

#include "cfs/base/digest.hpp"
#include "cfs/base/result.hpp"
#include "cfs/image/image_reader.hpp"

namespace cfs {

// Digest::parse() for what the user gives.
[[nodiscard]] Result<Digest> parse_digest_argument(const std::string& text);

// A file; with a store (not empty), its image of this digest ("sha256:…"), or that of the manifest of this
// name, and a file only if `named` has a slash. Errors of load_image(); Code::usage for a digest without a
// store, Code::store_malformed, Code::image_missing, Code::manifest_missing, Code::manifest_malformed.
[[nodiscard]] Result<ImageFile> load_named_image(const std::string& named, const std::string& store);

}  // namespace cfs
