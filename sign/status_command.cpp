#include <string>

#include "cfs/boot_report.hpp"
#include "cfs/journal.hpp"
#include "cfs/report.hpp"
#include "cfs/running_doors.hpp"
#include "cfs/running_root.hpp"
#include "cfs/status_text.hpp"
#include "cfs/text.hpp"
#include "commands.hpp"
#include "print.hpp"

namespace cfs {

Result<> status_command(const StatusOptions& options) {
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
    CFS_TRY(
        print(options.json ? CFS_TRY(status_json(json, doors, check)) : status_text(report, doors, check)));
  }
  return check;
}

}  // namespace cfs
