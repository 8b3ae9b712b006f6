// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/initrd_kind.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view release_file = "/etc/initrd-release";

bool exists(const std::string& root, std::string_view path, int access = F_OK) {
  return ::access(cat(root, path).c_str(), access) == 0;
}

bool trusts_cmdline(const Policy& policy) {
  return policy.cmdline.trust == CmdlineTrust::signed_cmdline;
}

}  // namespace

InitrdKind initrd_kind(const std::string& root) {
  if (exists(root, inner_archive)) {
    return InitrdKind::two_parts;
  }
  const bool has_systemd = exists(root, release_file) && exists(root, systemd_program, X_OK);
  return has_systemd ? InitrdKind::one_piece : InitrdKind::own;
}

Result<> check_initrd_kind(InitrdKind kind, const Policy& policy) {
  if (kind == InitrdKind::one_piece && !trusts_cmdline(policy)) {
    return fail(
        Code::initrd_refused,
        "this initrd is in one piece, and any program in it could be started by the untrusted command line");
  }
  return {};
}

bool in_initrd(const std::string& root) {
  // Nothing here changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  const char* const told = ::getenv("SYSTEMD_IN_INITRD");
  return (told != nullptr && std::string_view(told) == "1") || exists(root, release_file);
}

Result<> check_front_door(const std::string& root, const Policy& policy) {
  if (in_initrd(root) && !trusts_cmdline(policy) && !exists(root, front_door_marker)) {
    return fail(
        Code::initrd_refused,
        "composefs-root is not the /init of this initrd: nothing checked what the untrusted command line "
        "gave to systemd");
  }
  return {};
}

}  // namespace cfs
