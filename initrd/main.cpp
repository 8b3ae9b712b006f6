// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/log.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/failure_action.hpp"
#include "cfs/boot/front_door.hpp"
#include "cfs/boot/guard.hpp"
#include "cfs/boot/hidden_state.hpp"
#include "cfs/boot/init.hpp"
#include "cfs/boot/mount_helper.hpp"
#include "cfs/boot/next_root.hpp"
#include "cfs/boot/running_objects.hpp"
#include "cfs/decision/configuration.hpp"
#include "cfs/decision/initrd_kind.hpp"
#include "cfs/generator/generator_program.hpp"
#include "cfs/kernel/kernel.hpp"

// In place of libstdc++'s, which would bring a demangler and more of stdio, to name exceptions that are never
// thrown. NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
void __gnu_cxx::__verbose_terminate_handler() {
  ::abort();
}

namespace {

using Words = std::vector<std::string>;

constexpr auto usage =
    "composefs-root checks, composes and enters a verified root file system.\n"
    "\n"
    "It is the /init of an initramfs made by cfs-sign initramfs, when it is PID 1. In an initramfs with "
    "systemd\n"
    "it checks the command line before it executes that. Called mount.composefs-root, it mounts a verified\n"
    "root for mount(8):\n"
    "\n"
    "  mount.composefs-root SOURCE TARGET [-sfnv] [-N NAMESPACE] [-o OPTIONS]\n"
    "\n"
    "and its units call\n"
    "\n"
    "  composefs-root --guard DIRECTORY  compare what is mounted there with the root that was verified\n"
    "  composefs-root --fail             take the policy's action for a boot that failed\n"
    "  composefs-root --next-root        make the root that a soft reboot is about to enter\n"
    "  composefs-root --grow-state       grow the state's file system to its partition\n"
    "  composefs-root --check-objects    check that every file of the running image can be read\n"
    "\n"
    "  composefs-root --check-config [DIRECTORY]      check a policy and its keys\n"
    "  composefs-root --policy-value KEY [DIRECTORY]  print cmdline.trust or failure.shell of a policy\n"
    "  -h, --help                                     show this text\n"
    "  -V, --version                                  show the version\n"
    "\n"
    "See composefs-root(8).\n";

Words strings(char* const* pointers) {
  Words result;
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
  cfs::take_action(kernel, plan);
  for (;;) {
    ::pause();
  }
}

[[noreturn]] void init(char** argv, char** environment) {
  const Words given_environment = strings(environment);
  (void)::clearenv();  // it comes from the kernel command line; libraries must not see it
  cfs::Kernel kernel;
  cfs::FailurePlan plan;
  const cfs::Error error = cfs::initrd_kind("") == cfs::InitrdKind::own
                               ? cfs::run_init(kernel, plan, strings(argv + 1), given_environment)
                               : cfs::run_front_door(kernel, plan);
  cfs::log(cfs::LogLevel::error, error.line());
  end_boot(kernel, plan);
}

// One line for whoever called. Where that is systemd, which keeps it in the journal, also where people look
// when a machine does not start.
void say(const cfs::Error& error) {
  (void)::fputs(cfs::cat("composefs-root: ", error.line(), '\n').c_str(), stderr);
  // Nothing here changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (::getenv("JOURNAL_STREAM") != nullptr) {
    cfs::log(cfs::LogLevel::error, error.line());
  }
}

int mount_helper(const Words& words) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // What was made so far is detached, and goes with the process.
    (void)::signal(signal, [](int) { ::_exit(cfs::mount_interrupted); });
  }
  cfs::Kernel kernel;
  const auto arguments = cfs::parse_mount_arguments(words);
  const auto mounted = !arguments         ? tl::unexpected(arguments.error())
                       : ::geteuid() != 0 ? cfs::fail(cfs::Code::usage, "only root can mount")
                                          : cfs::mount_root(kernel, *arguments);
  if (!mounted) {
    say(mounted.error());
    return cfs::mount_exit_status(mounted.error().code());
  }
  if (!arguments->fake) {
    cfs::log(cfs::LogLevel::info, *mounted);
  }
  if (arguments->verbose) {
    (void)::puts(mounted->c_str());
  }
  return 0;
}

cfs::Result<> print_policy_value(const std::string& key, const std::string& directory) {
  const cfs::Policy policy = CFS_TRY(cfs::load_policy_of(directory));
  const std::string value = CFS_TRY(cfs::policy_value(policy, key));
  return ::puts(value.c_str()) < 0 ? cfs::fail_errno(cfs::Code::io_error, "write") : cfs::Result<>();
}

// Succeeds where the policy wants a shell and the initramfs has one to offer, and leaves that to systemd;
// else returns only when the kernel refuses the action.
int fail_boot() {
  const auto policy = cfs::load_policy_of(cfs::initramfs_configuration);
  if (!policy) {
    say(policy.error());
  }
  const cfs::FailurePlan plan = policy ? cfs::plan_failure(*policy) : cfs::FailurePlan();
  if (plan.shell && ::access("/usr/lib/systemd/system/emergency.service", F_OK) == 0) {
    return 0;
  }
  cfs::log(cfs::LogLevel::error, cfs::cat("the boot failed: ", cfs::name(plan.action)));
  cfs::Kernel kernel;
  cfs::take_action(kernel, plan);
  return 1;
}

// To the kernel log alone: by now systemd has stopped the journal, which reads it when it is started again.
int next_root() {
  cfs::Kernel kernel;
  const auto made = cfs::make_next_root(kernel);
  cfs::log(made ? cfs::LogLevel::info : cfs::LogLevel::error, made ? *made : made.error().line());
  return made ? 0 : 1;
}

int status_of(const cfs::Result<>& result) {
  if (!result) {
    say(result.error());
    return 1;
  }
  return 0;
}

// Fails where something is missing, whatever the policy has done about it: the unit that failed is what is
// seen.
int check_objects() {
  cfs::Kernel kernel;
  const auto root = cfs::clone_running_root(kernel);
  if (!root) {
    say(root.error());
    return 1;
  }
  const auto files = cfs::check_running_objects(*root);
  const auto recorded = cfs::record_object_check(files);
  if (files) {
    return status_of(recorded);
  }
  say(files.error());
  if (cfs::recorded_corruption_action() == cfs::CorruptionAction::reboot) {
    cfs::log(cfs::LogLevel::error, "the image is damaged: reboot");
    if (const auto asked = kernel.ask_for_reboot(); !asked) {
      say(asked.error());
    }
  }
  return 1;
}

int command(const Words& words) {
  const std::string name = words.empty() ? std::string() : words[0];
  if (words.size() == 2 && name == "--guard") {
    return status_of(cfs::guard(words[1]));
  }
  if (words.size() <= 2 && name == "--check-config") {
    return status_of(cfs::check_configuration(words.size() == 2 ? words[1] : cfs::initramfs_configuration));
  }
  if ((words.size() == 2 || words.size() == 3) && name == "--policy-value") {
    return status_of(
        print_policy_value(words[1], words.size() == 3 ? words[2] : cfs::initramfs_configuration));
  }
  if (words.size() == 1) {
    if (name == "--fail") {
      return fail_boot();
    }
    if (name == "--next-root") {
      return next_root();
    }
    if (name == "--check-objects") {
      return check_objects();
    }
    if (name == "--grow-state") {
      cfs::Kernel kernel;
      return status_of(cfs::grow_state(kernel));
    }
    if (name == "--help" || name == "-h") {
      return ::fputs(usage, stdout) < 0 ? 1 : 0;
    }
    if (name == "--version" || name == "-V") {
      return ::puts("composefs-root " CFS_VERSION) < 0 ? 1 : 0;
    }
  }
  const std::string problem =
      name.empty() ? "no command is named"
                   : cfs::cat('"', cfs::printable(name), "\" is not a command, or has other arguments");
  (void)::fputs(cfs::cat("composefs-root: usage: ", problem, ": see --help\n").c_str(), stderr);
  return 2;
}

}  // namespace

int main(int, char** argv, char** environment) {
  if (::getpid() == 1) {
    init(argv, environment);
  }
  const std::string_view program = argv[0] == nullptr ? "" : argv[0];
  const Words words = strings(argv[0] == nullptr ? argv : argv + 1);
  const std::string_view name = program.substr(program.rfind('/') + 1);
  if (name == "mount.composefs-root") {
    return mount_helper(words);
  }
  if (name == "composefs-root-generator") {
    return cfs::run_generator(words);
  }
  // systemd calls what lies in its directory system-shutdown, and says what comes next ("reboot").
  if (name == "composefs-root-shutdown") {
    cfs::Kernel kernel;
    return status_of(cfs::release_state(kernel));
  }
  return command(words);
}
