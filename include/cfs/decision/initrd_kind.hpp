// SPDX-License-Identifier: Apache-2.0
// What kind of initramfs this program finds itself in, and which of them a policy lets boot.
#pragma once

#include <cstdint>
#include <string>

#include "cfs/base/result.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

enum class InitrdKind : std::uint8_t {
  own,        // this program and what it needs: it boots by itself
  two_parts,  // systemd's initrd lies in it as an inner archive, where no word of the command line reaches it
  one_piece,  // systemd lies beside this program
};

// Where cfs-sign initramfs --inner puts systemd's initrd, and where that has systemd.
inline constexpr auto inner_archive = "/usr/lib/composefs-root/inner.cpio";
inline constexpr auto systemd_program = "/usr/lib/systemd/systemd";

// Says that this program was the initrd's /init, and checked the command line before systemd existed.
inline constexpr auto front_door_marker = "/run/composefs-root/front-door";

// Of the files below `root`, which is "" but in tests.
[[nodiscard]] InitrdKind initrd_kind(const std::string& root);

// Code::initrd_refused for an initrd in one piece under an untrusted command line: rdinit= starts any program
// that the kernel unpacks, in place of this one.
[[nodiscard]] Result<> check_initrd_kind(InitrdKind kind, const Policy& policy);

// Whether this is an initrd with systemd: the environment's SYSTEMD_IN_INITRD=1 says so, or
// ROOT/etc/initrd-release is there.
[[nodiscard]] bool in_initrd(const std::string& root);

// For what runs in such an initrd. Code::initrd_refused when the policy does not trust the command line and
// this program was not the /init: then nobody has closed the doors.
[[nodiscard]] Result<> check_front_door(const std::string& root, const Policy& policy);

}  // namespace cfs
