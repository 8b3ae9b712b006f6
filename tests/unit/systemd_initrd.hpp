// SPDX-License-Identifier: Apache-2.0
// An initrd with systemd and this project, as far as cfs-sign and composefs-root look at it.
#pragma once

#include <string>
#include <vector>

#include "unit/newc_archive.hpp"

namespace cfs {

inline std::vector<ArchiveEntry> systemd_initrd() {
  constexpr unsigned directory = 040755;
  constexpr unsigned link = 0120777;
  const std::string units = "usr/lib/systemd/system/";
  return {
      {.name = ".", .mode = directory},
      {.name = "etc", .mode = directory},
      {.name = "etc/initrd-release"},
      {.name = "init", .mode = link, .contents = "usr/lib/systemd/systemd"},
      {.name = "usr", .mode = directory},
      {.name = "usr/lib", .mode = directory},
      {.name = "usr/lib/composefs-root", .mode = directory},
      {.name = "usr/lib/composefs-root/composefs-root", .mode = link, .contents = "/init"},
      {.name = "usr/lib/systemd", .mode = directory},
      {.name = "usr/lib/systemd/system", .mode = directory},
      {.name = units + "composefs-root-failure.service", .contents = "failure"},
      {.name = units + "composefs-root-guard-switch.service"},
      {.name = units + "composefs-root-guard.service"},
      {.name = units + "initrd-root-fs.target.requires", .mode = directory},
      {.name = units + "initrd-root-fs.target.requires/composefs-root-guard.service",
       .mode = link,
       .contents = "../composefs-root-guard.service"},
      {.name = units + "initrd-switch-root.service.requires", .mode = directory},
      {.name = units + "initrd-switch-root.service.requires/composefs-root-guard-switch.service",
       .mode = link,
       .contents = "../composefs-root-guard-switch.service"},
      {.name = "usr/lib/systemd/systemd", .mode = 0100755, .contents = "program"},
      {.name = "usr/sbin", .mode = directory},
      {.name = "usr/sbin/mount.composefs-root",
       .mode = link,
       .contents = "../lib/composefs-root/composefs-root"},
  };
}

}  // namespace cfs
