// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/front_door.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string_view>

#include "cfs/archive/unpack.hpp"
#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/log.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/failure_units.hpp"
#include "cfs/boot/modules.hpp"
#include "cfs/boot/report_names.hpp"
#include "cfs/decision/configuration.hpp"
#include "cfs/decision/initrd_kind.hpp"
#include "cfs/doors/doors.hpp"
#include "cfs/kernel/kernel_file_systems.hpp"
#include "cfs/mount/handover.hpp"

namespace cfs {

namespace {

// What the inner archive does not bring: what the outer one holds, and what lies below the kernel file
// systems, where nobody would see it.
constexpr auto kept =
    std::to_array<std::string_view>({"init", std::string_view(initramfs_configuration).substr(1),
                                     std::string_view(inner_archive).substr(1), "dev", "proc", "run", "sys"});

Result<> unpack_inner_archive() {
  const auto start = std::chrono::steady_clock::now();
  const Fd root = CFS_TRY(open_directory("/"));
  Fd archive(::open(inner_archive, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!archive) {
    return fail_errno(Code::io_error, cat("open ", inner_archive));
  }
  const Unpacked unpacked = CFS_TRY_IN(unpack_file(archive, root, kept), inner_archive);
  archive.reset();
  if (::unlink(inner_archive) != 0) {
    return fail_errno(Code::io_error, cat("remove ", inner_archive));
  }
  const auto time =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  log(LogLevel::info, cat("unpacked the inner archive: ", unpacked.entries, " files, ", unpacked.bytes / 1024,
                          " KiB in ", time.count(), " ms"));
  return {};
}

Result<> write_marker() {
  CFS_TRY(create_directory(report_directory));
  return write_file(front_door_marker, "");
}

// Up to the moment where only systemd is left to execute. Returns its environment.
Result<std::vector<std::string>> prepare(Kernel& kernel, FailurePlan& plan) {
  CFS_TRY(mount_kernel_file_systems(kernel));
  Policy policy = CFS_TRY(load_policy_of(initramfs_configuration));
  plan = plan_failure(policy);
  const Configuration configuration =
      CFS_TRY(load_configuration(kernel, initramfs_configuration, std::move(policy)));
  const InitrdKind kind = initrd_kind("");
  CFS_TRY(check_initrd_kind(kind, configuration.policy));
  CFS_TRY(load_modules(kernel, module_list));
  if (kind == InitrdKind::two_parts) {
    CFS_TRY(unpack_inner_archive());
  }
  CFS_TRY(write_failure_units(initrd_unit_directory, configuration.policy));
  CFS_TRY(close_doors(kernel, configuration.policy, CFS_TRY(read_kernel_cmdline(kernel))));
  CFS_TRY(write_marker());
  return init_environment(configuration.policy, {"HOME=/", "TERM=linux"});
}

}  // namespace

Error run_front_door(Kernel& kernel, FailurePlan& plan) {
  auto environment = prepare(kernel, plan);
  return environment ? execute(systemd_program, {}, *environment) : std::move(environment.error());
}

}  // namespace cfs
