#include "cfs/init.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfs/cmdline.hpp"
#include "cfs/file.hpp"
#include "cfs/handover.hpp"
#include "cfs/log.hpp"
#include "cfs/report.hpp"
#include "cfs/selection.hpp"
#include "cfs/text.hpp"
#include "cfs/verified_root.hpp"
#include "cfs/watchdog.hpp"

namespace cfs {

namespace {

constexpr auto policy_file = "/etc/composefs-root/policy.toml";
constexpr auto key_directory = "/etc/composefs-root/keys";
constexpr auto module_list = "/usr/lib/composefs-root/modules";  // one path a line, in order of loading
constexpr auto report_directory = "/run/composefs-root";
constexpr std::size_t cmdline_max_bytes = 64UL * 1024;
constexpr std::size_t module_list_max_bytes = 64UL * 1024;

Result<> mount_kernel_file_systems(Kernel& kernel) {
  CFS_TRY(kernel.mount_api("proc", "/proc", {}));
  CFS_TRY(kernel.mount_api("sysfs", "/sys", {}));
  CFS_TRY(kernel.mount_api("devtmpfs", "/dev", {}));
  return kernel.mount_api("tmpfs", "/run", {{"mode", "0755"}});
}

Result<> load_modules(Kernel& kernel) {
  const auto list = read_file(module_list, module_list_max_bytes);
  if (!list && list.error().code() == Code::not_found) {
    return {};  // everything is built in
  }
  if (!list) {
    return tl::unexpected(list.error());
  }
  for (const std::string_view line : split(*list, '\n')) {
    if (line.empty()) {
      continue;
    }
    const std::string path(line);
    const Fd module(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!module) {
      return fail_errno(Code::module_failed, cat("open ", path));
    }
    CFS_TRY_IN(kernel.load_module(module), cat("load ", path));
  }
  return {};
}

Result<> write_report(const Report& report) {
  if (::mkdir(report_directory, 0755) != 0 && errno != EEXIST) {
    return fail_errno(Code::io_error, cat("create ", report_directory));
  }
  const std::string path = cat(report_directory, "/boot.json");
  const Fd file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
  if (!file) {
    return fail_errno(Code::io_error, cat("create ", path));
  }
  CFS_TRY_IN(write_all(file, report.json()), path);
  return {};
}

struct HandOver {
  std::string init;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

// Up to the moment where only the init program is left to execute.
Result<HandOver> boot(Kernel& kernel, FailurePlan& plan, const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment) {
  Report report;
  CFS_TRY(mount_kernel_file_systems(kernel));
  report.end_stage("kernel-file-systems");

  const Policy policy = CFS_TRY(load_policy(policy_file));
  plan = {.action = policy.failure.action, .wait_seconds = 0, .shell = policy.failure.shell};
  const auto keys = CFS_TRY(load_keys(key_directory));
  const Cmdline cmdline = Cmdline::parse(CFS_TRY(read_file("/proc/cmdline", cmdline_max_bytes)));
  const Selection selection = CFS_TRY(select(cmdline, policy));
  report.end_stage("policy");

  CFS_TRY(load_modules(kernel));
  report.end_stage("modules");

  Watchdog watchdog = Watchdog::take_over();
  const VerifiedRoot root =
      CFS_TRY(make_verified_root(kernel, policy, keys, selection, report, [&] { watchdog.keep_alive(); }));
  CFS_TRY(check_init(root.tree, root.init));
  CFS_TRY(write_report(report));
  CFS_TRY(switch_root(kernel, root.tree));

  log(LogLevel::info,
      cat(report.image.image_id, ' ', report.image.version, " (", report.image.digest.text(), ", manifest ",
          report.manifest, ", slot ", report.slot.empty() ? "none" : report.slot,
          ") verified and attached in ", report.elapsed_us(), " us"));
  HandOver next;
  next.init = root.init;
  if (policy.cmdline == CmdlineTrust::signed_cmdline) {
    next.arguments = arguments;
    next.environment = environment;
  } else {
    // The kernel hands unknown NAME=VALUE words of its command line to init as environment: LD_PRELOAD from
    // /var would run unverified code as PID 1.
    next.environment = {"HOME=/", "TERM=linux"};
  }
  return next;
}

}  // namespace

Error run_init(Kernel& kernel, FailurePlan& plan, const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment) {
  auto next = boot(kernel, plan, arguments, environment);
  return next ? execute(next->init, next->arguments, next->environment) : std::move(next.error());
}

}  // namespace cfs
