// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/init.hpp"

#include <unistd.h>

#include "cfs/base/file.hpp"
#include "cfs/base/log.hpp"
#include "cfs/base/stage_marker.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/modules.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/boot/verified_root.hpp"
#include "cfs/decision/configuration.hpp"
#include "cfs/device/watchdog.hpp"
#include "cfs/doors/doors.hpp"
#include "cfs/kernel/kernel_file_systems.hpp"
#include "cfs/mount/handover.hpp"

namespace cfs {

namespace {

struct HandOver {
  std::string init;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

// Up to the moment where only the init program is left to execute.
Result<HandOver> boot(Kernel& kernel, FailurePlan& plan, const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment) {
  Report report;
  CFS_TRY(kernel.cover_root());
  CFS_TRY(mount_kernel_file_systems(kernel));
  report.end_stage<Stage::kernel_file_systems>();

  Policy policy = CFS_TRY(load_policy_of(initramfs_configuration));
  plan = plan_failure(policy);
  const Configuration configuration =
      CFS_TRY(load_configuration(kernel, initramfs_configuration, std::move(policy)));
  report.end_stage<Stage::policy>();

  CFS_TRY(load_modules(kernel, module_list));
  report.end_stage<Stage::modules>();

  Watchdog watchdog = Watchdog::take_over();
  const VerifiedRoot root = CFS_TRY(
      make_verified_root(kernel, configuration, EnteredBy::init, report, [&] { watchdog.keep_alive(); }));
  CFS_TRY(publish_root(report));
  CFS_TRY(switch_root(kernel, root.tree));
  // Nothing else runs until init does.
  CFS_TRY(close_root_doors(kernel, configuration.policy, CFS_TRY(read_kernel_cmdline(kernel))));

  log(LogLevel::info, report.summary());
  HandOver next;
  next.init = root.init;
  if (configuration.policy.cmdline.trust == CmdlineTrust::signed_cmdline) {
    next.arguments = arguments;
  }
  next.environment = init_environment(configuration.policy, environment);
  return next;
}

}  // namespace

Error run_init(Kernel& kernel, FailurePlan& plan, const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment) {
  auto next = boot(kernel, plan, arguments, environment);
  if (!next) {
    return std::move(next.error());
  }
  mark_stage<Stage::switch_root>();
  return execute(next->init, next->arguments, next->environment);
}

}  // namespace cfs
