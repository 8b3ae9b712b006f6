// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/posix_acl.hpp"

#include <algorithm>
#include <tuple>

#include "cfs/image/erofs_format.hpp"

namespace cfs {

namespace {

constexpr std::uint32_t xattr_version = 2;

}  // namespace

std::string posix_acl_value(std::vector<AclEntry> entries) {
  std::ranges::sort(entries, {}, [](const AclEntry& entry) { return std::tuple(entry.tag, entry.id); });
  std::string value;
  erofs::append_le(value, xattr_version);
  for (const AclEntry& entry : entries) {
    erofs::append_le(value, static_cast<std::uint16_t>(entry.tag));
    erofs::append_le(value, entry.permissions);
    erofs::append_le(value, entry.id);
  }
  return value;
}

}  // namespace cfs
