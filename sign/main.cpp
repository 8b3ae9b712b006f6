// SPDX-License-Identifier: Apache-2.0
// cfs-sign: runs the command that the command line names, and reports its result.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "cfs/base/text.hpp"
#include "cfs/tool/host_advice.hpp"
#include "command/commands.hpp"
#include "command/usage.hpp"

namespace {

using cfs::Code;
using cfs::Error;
using cfs::Result;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

// In the order in which --help lists them.
constexpr auto commands = std::to_array<void (*)(CLI::App&, cfs::Action&)>(
    {cfs::add_keygen, cfs::add_compose, cfs::add_manifest, cfs::add_sign, cfs::add_slot, cfs::add_verify,
     cfs::add_disk, cfs::add_initramfs, cfs::add_inspect, cfs::add_diff, cfs::add_fsck, cfs::add_gc,
     cfs::add_status, cfs::add_boot_chart, cfs::add_profile, cfs::add_factory_reset});

// `command`: that was called, such as "cfs-sign disk".
int report(const Error& error, const std::string& command) {
  const std::string advice = error.code() == Code::usage ? cfs::cat("see ", command, " --help")
                                                         : std::string(cfs::host_advice(error.code()));
  const std::string line = cfs::cat("cfs-sign: ", error.line(advice), '\n');
  static_cast<void>(std::fputs(line.c_str(), stderr));
  return error.code() == Code::usage ? exit_usage : exit_failed;
}

// Output that could not be written is a failure: the caller would take an empty digest for a result.
Result<> finish_output() {
  if (std::fflush(stdout) != 0) {
    return cfs::fail_errno(Code::io_error, "write to standard output");
  }
  if (std::ferror(stdout) != 0) {  // earlier: errno tells of something else by now
    return cfs::fail(Code::io_error, "write to standard output: it did not take everything");
  }
  return {};
}

int run(int argc, char** argv) {
  CLI::App app("Makes, signs, verifies and ships images that boot with every byte verified.", "cfs-sign");
  app.set_version_flag("--version", "cfs-sign " CFS_VERSION);
  app.require_subcommand(1);
  app.formatter(std::make_shared<cfs::HelpFormatter>());
  app.footer("Exit status: 0 done, 1 refused or failed, 2 wrong usage; see cfs-sign(1).");
  cfs::Action action;
  for (auto* const add : commands) {
    add(app, action);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    app.exit(success);
    const auto written = finish_output();
    return written ? 0 : report(written.error(), "cfs-sign");
  } catch (const CLI::ParseError& error) {
    return report(cfs::usage_error(app, error), cfs::called_command(app));
  }
  auto result = action();
  if (result) {
    if (auto written = finish_output(); !written) {
      result = tl::unexpected(std::move(written.error()));
    }
  }
  return result ? *result : report(result.error(), cfs::called_command(app));
}

// The trusted path is built without exceptions and without what unwinds the stack: where memory ends, the
// program does.
[[noreturn]] void out_of_memory() {
  constexpr std::string_view line =
      "cfs-sign: io-error: out of memory: end other programs, or raise the limit (ulimit -v)\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  ::_exit(exit_failed);
}

}  // namespace

int main(int argc, char** argv) {
  std::set_new_handler(out_of_memory);
  // A reader that went away shows as a failed write, which is reported.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // what libraries throw past their own boundary
    return report({Code::io_error, cfs::printable(error.what())}, "cfs-sign");
  }
}
