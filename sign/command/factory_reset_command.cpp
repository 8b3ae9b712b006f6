// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/mount/hidden_mount.hpp"
#include "cfs/state/state_directory.hpp"
#include "cfs/status/report_reader.hpp"
#include "command/command.hpp"

namespace cfs {

namespace {

struct FactoryResetOptions {
  std::string state;  // where the file system with the state is mounted; empty: that of this system
  bool cancel = false;
};

// The file system with the state of the running system.
Result<Fd> mount_running_state() {
  const BootReport report = CFS_TRY(load_boot_report());
  if (report.state_device.empty()) {
    return fail(Code::not_found, "this system keeps no state: each boot is a factory reset already");
  }
  Kernel kernel;
  return CFS_TRY(mount_again(kernel, report.state_device, Access::read_write, Access::read_write)).mount;
}

Result<> run(const FactoryResetOptions& options) {
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

}  // namespace

void add_factory_reset(CLI::App& app, Action& action) {
  auto options = std::make_shared<FactoryResetOptions>();
  auto* command = add_command(app, action, "factory-reset",
                              "Have the next boot throw away /etc, /var and machine id", options, run);
  command
      ->add_option("--state", options->state,
                   "Where the file system with the state is mounted (default: the state of this system)")
      ->type_name("DIR");
  command->add_flag("--cancel", options->cancel, "Take it back, as long as there was no boot");
}

}  // namespace cfs
