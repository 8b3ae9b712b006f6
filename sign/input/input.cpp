// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/input.hpp"

#include <sys/stat.h>

#include <optional>
#include <string_view>
#include <thread>

#include "cfs/base/text.hpp"
#include "cfs/input/filter.hpp"
#include "cfs/input/input_size.hpp"
#include "cfs/input/oci.hpp"
#include "cfs/input/tar.hpp"
#include "cfs/tool/progress.hpp"

namespace cfs {

namespace {

constexpr std::string_view oci_prefix = "oci:";

bool is_directory(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// nullopt for what is not an OCI image.
std::optional<OciImage> as_oci(const std::string& source, bool directory) {
  OciImage image;
  if (source.starts_with(oci_prefix)) {
    image.directory = source.substr(oci_prefix.size());
    if (const auto colon = image.directory.find(':'); colon != std::string::npos) {
      image.tag = image.directory.substr(colon + 1);
      image.directory.resize(colon);
    }
  } else if (directory && is_oci_layout(source)) {
    image.directory = source;
  } else {
    return std::nullopt;
  }
  return image;
}

// Scans, and for who looks at the progress counts beside it how much there is.
Result<FileTree> scan_and_count(const std::string& root, const ScanOptions& options) {
  const auto count = [&](const std::stop_token& stop) {
    const Exclusions nothing;
    if (const auto all = count_input(root, options.exclude == nullptr ? nothing : *options.exclude, stop)) {
      options.progress->expect(*all);
    }
  };
  const bool visible = options.progress != nullptr && options.progress->visible();
  const std::jthread counter = visible ? std::jthread(count) : std::jthread();
  return scan(root, options);
}

}  // namespace

Result<FileTree> read_input(const std::string& source, const std::string& platform,
                            const ScanOptions& options) {
  const bool directory = is_directory(source);
  if (auto image = as_oci(source, directory)) {
    image->platform = platform;
    return load_oci(*image, options);
  }
  if (!platform.empty()) {
    return fail(Code::usage, "--platform is for OCI images");
  }
  return directory ? scan_and_count(source, options) : load_tar(source, options);
}

}  // namespace cfs
