#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/mount/hidden_mount.hpp"
#include "cfs/state/state_directory.hpp"
#include "cfs/status/report_reader.hpp"
#include "command/commands.hpp"

namespace cfs {

namespace {

// The file system with the state of the running system.
Result<Fd> mount_running_state() {
  const BootReport report = CFS_TRY_IN(parse_boot_report(CFS_TRY(read_boot_report({}))), report_name);
  if (report.state_device.empty()) {
    return fail(Code::not_found, "this system keeps no state: each boot is a factory reset already");
  }
  Kernel kernel;
  return CFS_TRY(mount_again(kernel, report.state_device, Access::read_write, Access::read_write)).mount;
}

}  // namespace

Result<> factory_reset_command(const FactoryResetOptions& options) {
  const Fd file_system = options.state.empty() ? CFS_TRY_IN(mount_running_state(), "find the state")
                                               : CFS_TRY(open_directory(options.state));
  const auto state = open_directory_beneath(file_system, std::string(state_directory_name));
  if (!state) {
    return fail(Code::not_found,
                cat("there is no ", state_directory_name, " on the file system of the state"));
  }
  const std::string flag(factory_reset_flag);
  if (options.cancel) {
    const Fd directory(::openat(state->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if ((::unlinkat(state->get(), flag.c_str(), 0) != 0 && errno != ENOENT) ||
        ::fsync(directory.get()) != 0) {
      return fail_errno(Code::io_error, cat("remove ", flag));
    }
    return {};
  }
  return write_file(cat("/proc/self/fd/", state->get(), '/', flag), {});
}

}  // namespace cfs
