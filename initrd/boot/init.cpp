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
  StageClock clock;
  CFS_TRY(kernel.cover_root());
  CFS_TRY(mount_kernel_file_systems(kernel));
  clock.end<Stage::kernel_file_systems>();

  Policy policy = CFS_TRY(load_policy_of(initramfs_configuration));
  plan = plan_failure(policy);
  const Configuration configuration =
      CFS_TRY(load_configuration(kernel, initramfs_configuration, std::move(policy)));
  clock.end<Stage::policy>();

  CFS_TRY(load_modules(kernel, module_list));
  clock.end<Stage::modules>();

  Watchdog watchdog = Watchdog::take_over();
  const VerifiedRoot root = CFS_TRY(make_verified_root({.kernel = kernel,
                                                        .configuration = configuration,
                                                        .entered_by = EnteredBy::init,
                                                        .clock = clock,
                                                        .meanwhile = [&] { watchdog.keep_alive(); }}));
  CFS_TRY(publish_root(root.report));
  CFS_TRY(switch_root(kernel, root.tree));
  // Nothing else runs until init does.
  CFS_TRY(close_root_doors(kernel, configuration.policy, CFS_TRY(read_kernel_cmdline(kernel))));

  log(LogLevel::info, root.report.summary(clock.elapsed()));
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
