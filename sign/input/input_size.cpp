// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/input_size.hpp"

#include <filesystem>
#include <system_error>

#include "cfs/input/filter.hpp"

namespace cfs {

std::optional<Work> count_input(const std::string& root, const Exclusions& exclude,
                                const std::stop_token& stop) {
  namespace fs = std::filesystem;
  Work size;
  std::error_code error;
  const std::size_t prefix = root.size() + (root.ends_with('/') ? 0 : 1);
  fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (stop.stop_requested()) {
      return std::nullopt;
    }
    std::error_code ignored;
    if (exclude.match(entry->path().native().substr(prefix))) {
      entry.disable_recursion_pending();
    } else if (entry->symlink_status(ignored).type() == fs::file_type::regular) {
      const std::uintmax_t bytes = entry->file_size(ignored);
      size.files += 1;
      size.bytes += ignored ? 0 : bytes;
    }
  }
  return error ? std::nullopt : std::optional(size);
}

}  // namespace cfs
