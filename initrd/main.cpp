#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cfs/init.hpp"
#include "cfs/kernel.hpp"
#include "cfs/log.hpp"

namespace {

constexpr auto usage =
    "composefs-root checks, composes and enters a verified root file system.\n"
    "\n"
    "It is the /init of an initramfs made by cfs-sign initramfs, and does nothing unless it is PID 1.\n"
    "\n"
    "  -h, --help     show this text\n"
    "  -V, --version  show the version\n"
    "\n"
    "See composefs-root(8).\n";

std::vector<std::string> strings(char* const* pointers) {
  std::vector<std::string> result;
  for (; *pointers != nullptr; ++pointers) {
    result.emplace_back(*pointers);
  }
  return result;
}

// PID 1 must not return: the kernel would panic and say nothing of the cause.
[[noreturn]] void end_boot(cfs::Kernel& kernel, const cfs::FailurePlan& plan) {
  if (plan.shell && ::access("/bin/sh", X_OK) == 0) {
    ::execl("/bin/sh", "sh", nullptr);
  }
  ::sleep(plan.wait_seconds);
  kernel.act(plan.action);
  for (;;) {
    ::pause();
  }
}

}  // namespace

int main(int argc, char** argv, char** environment) {
  if (::getpid() == 1) {
    const std::vector<std::string> given_environment = strings(environment);
    (void)::clearenv();  // it comes from the kernel command line; libraries must not see it
    cfs::Kernel kernel;
    cfs::FailurePlan plan;
    const cfs::Error error = cfs::run_init(kernel, plan, strings(argv + 1), given_environment);
    cfs::log(cfs::LogLevel::error, error.line());
    end_boot(kernel, plan);
  }
  const std::string_view argument = argc == 2 ? argv[1] : "";
  if (argument == "--help" || argument == "-h") {
    return ::fputs(usage, stdout) < 0 ? 1 : 0;
  }
  if (argument == "--version" || argument == "-V") {
    return ::puts("composefs-root " CFS_VERSION) < 0 ? 1 : 0;
  }
  (void)::fputs(
      "composefs-root: usage: this program is the /init of an initramfs, not a command: see --help\n",
      stderr);
  return 2;
}
