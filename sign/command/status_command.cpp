// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/status/journal.hpp"
#include "cfs/status/report_reader.hpp"
#include "cfs/status/running_doors.hpp"
#include "cfs/status/running_root.hpp"
#include "cfs/status/status_text.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

// The system runs a verified image, but not the first that the boot tried.
constexpr int exit_fell_back = 3;

struct StatusOptions {
  std::string root;  // of another system; empty: of this one
  bool json = false;
  bool journal = false;  // instead of printing
};

// What composefs-root-check.service found.
std::string object_check(const std::string& root) {
  constexpr std::size_t longest = 8192;
  const auto line = read_file(cat(root, report_directory, '/', object_check_name), longest);
  return line                                     ? printable(trim_end(*line))
         : line.error().code() == Code::not_found ? "not checked yet"
                                                  : line.error().what();
}

Result<int> run(const StatusOptions& options) {
  const std::string json = CFS_TRY(read_boot_report(options.root));
  const BootReport report = CFS_TRY_IN(parse_boot_report(json), report_name);
  const RunningDoors doors = CFS_TRY_IN(find_doors(report, options.root), "look at the doors");
  Result<> check = check_running_root(report, cat(options.root, mount_table_file));
  if (check) {
    check = check_doors(doors);
  }
  if (options.journal) {
    CFS_TRY(write_journal(report, check));
  } else {
    const std::string objects = object_check(options.root);
    CFS_TRY(print(options.json ? CFS_TRY(status_json(json, doors, objects, check))
                               : status_text(report, doors, objects, check)));
  }
  CFS_TRY(std::move(check));
  return report.refused.empty() ? 0 : exit_fell_back;
}

}  // namespace

void add_status(CLI::App& app, Action& action) {
  auto options = std::make_shared<StatusOptions>();
  auto* command = add_command(app, action, "status",
                              "Say which image this system runs, and whether it still does", options, run);
  auto* json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--journal", options->journal, "Write to the systemd journal instead of printing")
      ->excludes(json);
  command->add_option("--root", options->root, "Root directory of the system to look at (default: /)")
      ->type_name("DIR");
}

}  // namespace cfs
