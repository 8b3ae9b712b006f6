// SPDX-License-Identifier: Apache-2.0
// cfs-sign: runs the command that the command line names, and reports its result.
#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>

#include "cfs/base/text.hpp"
#include "command/commands.hpp"

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

int report(const Error& error) {
  const std::string line = cfs::cat("cfs-sign: ", error.line(), '\n');
  static_cast<void>(std::fputs(line.c_str(), stderr));
  return error.code() == Code::usage ? exit_usage : exit_failed;
}

// Output that could not be written is a failure: the caller would take an empty digest for a result.
Result<> finish_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return cfs::fail_errno(Code::io_error, "write to standard output");
  }
  return {};
}

int run(int argc, char** argv) {
  CLI::App app("Makes, signs, verifies and ships images that boot with every byte verified.", "cfs-sign");
  app.set_version_flag("--version", "cfs-sign " CFS_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  app.footer("Exit status: 0 done, 1 refused or failed, 2 wrong usage. See cfs-sign(1).");
  cfs::Action action;
  for (auto* const add : commands) {
    add(app, action);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    app.exit(success);
    const auto written = finish_output();
    return written ? 0 : report(written.error());
  } catch (const CLI::ParseError& error) {
    return report({Code::usage, cfs::printable(error.what())});
  }
  auto result = action();
  if (result) {
    result = finish_output();
  }
  return result ? 0 : report(result.error());
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away shows as a failed write, which is reported.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // out of memory, and what libraries throw past their own boundary
    return report({Code::io_error, cfs::printable(error.what())});
  }
}
