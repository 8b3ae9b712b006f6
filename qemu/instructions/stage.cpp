// SPDX-License-Identifier: Apache-2.0
// cfs-stage, in the guest: says that a stage of the boot has ended, to the plugin and on the console. For
// ExecStart= of a unit.
//
//   cfs-stage early-service | basic.target | multi-user.target
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "cfs/base/stage_marker.hpp"

namespace {

using cfs::Stage;

bool mark(Stage stage) {
  switch (stage) {
    case Stage::early_service:
      cfs::mark_stage<Stage::early_service>();
      return true;
    case Stage::basic_target:
      cfs::mark_stage<Stage::basic_target>();
      return true;
    case Stage::multi_user_target:
      cfs::mark_stage<Stage::multi_user_target>();
      return true;
    default:
      return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !mark(cfs::stage_by_name(argv[1]).value_or(Stage::kernel_entry))) {
    return 2;
  }
  const int console = ::open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
  return ::dprintf(console, "bench: %s\n", argv[1]) > 0 ? 0 : 1;
}
