// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/mount_table.hpp"

#include <algorithm>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

std::string record_line(const TreeMount& mount) {
  return cat(mount.device, ' ', mount.root, ' ', mount.path);
}

std::vector<std::string_view> lines(std::string_view text) {
  auto pieces = split(text, '\n');
  std::erase_if(pieces, [](std::string_view line) { return line.empty(); });
  return pieces;
}

// Where in the tree at `directory` the mount point lies; empty when outside of it.
std::string_view path_in_tree(std::string_view mount_point, std::string_view directory) {
  if (!mount_point.starts_with(directory)) {
    return {};
  }
  const auto rest = mount_point.substr(directory.size());
  if (rest.empty()) {
    return "/";
  }
  return rest.front() == '/' ? rest : std::string_view();
}

}  // namespace

Result<std::vector<TreeMount>> mounts_of_tree(std::string_view mountinfo, std::string_view directory) {
  std::vector<TreeMount> mounts;
  for (const std::string_view line : lines(mountinfo)) {
    // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS …
    const auto fields = split(line, ' ');
    const auto id = parse_decimal<std::uint64_t>(fields.front());
    if (fields.size() < 6 || !id) {
      return fail(Code::io_error, cat("\"", printable(line), "\" is not a line of a mount table"));
    }
    if (const auto path = path_in_tree(fields[4], directory); !path.empty()) {
      mounts.push_back({.id = *id,
                        .device = std::string(fields[2]),
                        .root = std::string(fields[3]),
                        .path = std::string(path)});
    }
  }
  return mounts;
}

std::string mount_record(const std::vector<TreeMount>& mounts) {
  std::string record;
  for (const TreeMount& mount : mounts) {
    record += cat(record_line(mount), '\n');
  }
  return record;
}

Result<> check_mounts(std::string_view mountinfo, std::string_view directory, std::uint64_t mount_id,
                      std::string_view record) {
  auto expected = lines(record);
  bool reached = false;
  for (const TreeMount& mount : CFS_TRY(mounts_of_tree(mountinfo, directory))) {
    const std::string line = record_line(mount);
    const auto found = std::find(expected.begin(), expected.end(), line);
    if (found == expected.end()) {
      return fail(Code::root_replaced,
                  cat(printable(directory), mount.path == "/" ? "" : printable(mount.path),
                      " is a mount that was not verified (", printable(line), ")"));
    }
    expected.erase(found);
    reached = reached || (mount.path == "/" && mount.id == mount_id);
  }
  if (!expected.empty()) {
    return fail(Code::root_replaced, cat("the verified mount \"", printable(expected.front()),
                                         "\" is gone from ", printable(directory)));
  }
  if (!reached) {
    return fail(Code::root_replaced,
                cat("the path ", printable(directory), " does not lead to the verified root"));
  }
  return {};
}

}  // namespace cfs
