// cfs-stage, in the guest: says that a stage of the boot has ended. For ExecStart= of a unit.
//
//   cfs-stage early-service | basic.target | multi-user.target
#include <string_view>

#include "cfs/stage_marker.hpp"

int main(int argc, char** argv) {
  using cfs::Stage;
  switch (argc == 2 ? cfs::stage_by_name(argv[1]).value_or(Stage::kernel_entry) : Stage::kernel_entry) {
    case Stage::early_service:
      cfs::mark_stage<Stage::early_service>();
      return 0;
    case Stage::basic_target:
      cfs::mark_stage<Stage::basic_target>();
      return 0;
    case Stage::multi_user_target:
      cfs::mark_stage<Stage::multi_user_target>();
      return 0;
    default:
      return 2;
  }
}
