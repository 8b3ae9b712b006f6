#include "cfs/status/boot_chart.hpp"

#include <cstdio>
#include <optional>
#include <string>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/status/boot_times.hpp"
#include "cfs/status/report_reader.hpp"
#include "command/commands.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

// The initrd's part is worth having where systemd does not run, or does not answer.
std::optional<BootTimes> ask_systemd() {
  auto times = read_boot_times();
  if (!times) {
    const std::string note =
        cat("cfs-sign: systemd's times are not in the chart: ", times.error().what(), '\n');
    static_cast<void>(std::fputs(note.c_str(), stderr));
    return std::nullopt;
  }
  return std::move(*times);
}

}  // namespace

Result<> boot_chart_command(const BootChartOptions& options) {
  const std::string json = CFS_TRY(read_boot_report(options.root));
  const BootReport report = CFS_TRY_IN(parse_boot_report(json), report_name);
  const std::string svg = boot_chart(report, options.root.empty() ? ask_systemd() : std::nullopt);
  return options.output.empty() ? print(svg) : write_file(options.output, svg);
}

}  // namespace cfs
