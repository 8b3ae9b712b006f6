// SPDX-License-Identifier: Apache-2.0
// What an image is made from, in whatever form it comes: the road to its reader.
#pragma once

#include <string>

#include "cfs/base/result.hpp"
#include "cfs/image/file_tree.hpp"
#include "cfs/input/scan.hpp"

namespace cfs {

// Reads `source`: "-" is a tar archive on standard input; "oci:DIR" and "oci:DIR:TAG" an image in an OCI
// layout (DIR ends at the first colon), as is a directory that is one; any other directory is scanned; a file
// is a tar archive. `platform` is for OCI alone (cfs/input/oci.hpp); Code::usage where it makes no sense.
// Errors are those of scan(), load_tar() and load_oci().
[[nodiscard]] Result<FileTree> read_input(const std::string& source, const std::string& platform,
                                          const ScanOptions& options);

}  // namespace cfs
