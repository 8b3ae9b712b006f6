// SPDX-License-Identifier: Apache-2.0
// POSIX access control lists as the kernel stores them in the extended attributes system.posix_acl_access and
// system.posix_acl_default (include/uapi/linux/posix_acl_xattr.h of Linux).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cfs {

struct AclEntry {
  enum class Tag : std::uint16_t {
    owner = 0x01,
    user = 0x02,
    owning_group = 0x04,
    group = 0x08,
    mask = 0x10,
    other = 0x20,
  };
  static constexpr std::uint32_t no_id = 0xffffffff;

  Tag tag = Tag::other;
  std::uint16_t permissions = 0;  // 4 read, 2 write, 1 execute
  std::uint32_t id = no_id;       // of a user or group

  friend auto operator<=>(const AclEntry&, const AclEntry&) = default;
};

// The attribute's value, in the one order that the kernel accepts: by tag, then by id.
[[nodiscard]] std::string posix_acl_value(std::vector<AclEntry> entries);

}  // namespace cfs
