// SPDX-License-Identifier: Apache-2.0
// Container images in an OCI image layout directory (image-spec of the Open Container Initiative, version 1):
// the tree that their layers give, one over the other. Nothing is unpacked.
//
// Every blob that is read, layers included, must have the size and hash to the digest by which it was named;
// only index.json, where the names begin, is taken as it is.
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"
#include "cfs/input/scan.hpp"

namespace cfs {

struct OciImage {
  std::string directory;  // of the layout
  std::string tag;        // its org.opencontainers.image.ref.name; empty: the only one there is
  std::string platform;   // "linux/arm64" or "linux/arm/v7"; empty: the only one there is
};

// Whether the directory holds the files of a layout.
[[nodiscard]] bool is_oci_layout(const std::string& directory);

// The image's tree; `options` as for scan(). Code::not_found: no such directory, image or blob;
// Code::blob_mismatch: a blob is not what it is named; Code::archive_malformed: it makes no sense;
// Code::unsupported_input: kinds of indexes, layers or digests that are not known; and the errors of
// read_tar().
[[nodiscard]] Result<FileTree> load_oci(const OciImage& image, const ScanOptions& options);

}  // namespace cfs
