// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/boot_chart.hpp"

#include <optional>
#include <string>

#include "cfs/base/text.hpp"
#include "cfs/status/boot_times.hpp"
#include "cfs/status/report_reader.hpp"
#include "cfs/tool/output_file.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct BootChartOptions {
  std::string root;          // of another system; empty: of this one, whose systemd is asked too
  std::string output = "-";  // standard output
};

// The initrd's part is worth having where systemd does not run, or does not answer.
std::optional<BootTimes> ask_systemd() {
  auto times = read_boot_times();
  if (!times) {
    note(cat("systemd's times are not in the chart: ", times.error().what()));
    return std::nullopt;
  }
  return std::move(*times);
}

Result<> run(const BootChartOptions& options) {
  const BootReport report = CFS_TRY(load_boot_report(options.root));
  const std::string svg = boot_chart(report, options.root.empty() ? ask_systemd() : std::nullopt);
  return write_output(options.output, svg);
}

}  // namespace

void add_boot_chart(CLI::App& app, Action& action) {
  auto options = std::make_shared<BootChartOptions>();
  auto* command = add_command(app, action, "boot-chart", "Draw what this system's boot did when, as an SVG",
                              options, run);
  command->add_option("-o,--output", options->output, "The SVG to write; -, the default, is standard output")
      ->type_name("FILE");
  command
      ->add_option("--root", options->root,
                   "Root directory of the system to look at, of which only the initrd's part is known then")
      ->type_name("DIR");
}

}  // namespace cfs
