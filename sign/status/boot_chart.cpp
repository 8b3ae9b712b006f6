// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/boot_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "cfs/base/text.hpp"
#include "cfs/tool/svg.hpp"

namespace cfs {

namespace {

// In pixels: the width of a time axis, and the place around it for text.
constexpr double axis_width = 1200;
constexpr double margin = 40;
constexpr double row_height = 20;
constexpr double bar_height = 16;
constexpr double text_offset = 13;  // from a row's top to the baseline of its text

constexpr double steps_wanted = 12;  // lines of the grid, about

// The classes of the bars, their colours, and what they mean.
struct Kind {
  std::string_view name;
  std::string_view colour;
  std::string_view meaning;
};
constexpr Kind kernel{"kernel", "#c9d8e6", "Before the initrd"};
constexpr Kind initrd{"initrd", "#7fc7a9", "composefs-root"};
constexpr Kind systemd{"systemd", "#e6dcc0", "systemd"};
constexpr Kind generators{"generators", "#b08fd0", "Generators"};
constexpr Kind loading{"loading", "#6f9fd8", "Loading units"};
constexpr Kind activating{"activating", "#e8806a", "Activating"};
constexpr Kind active{"active", "#f6cfc2", "Active"};
constexpr Kind deactivating{"deactivating", "#c4a39a", "Deactivating"};
constexpr std::array kinds{kernel, initrd, systemd, generators, loading, activating, active, deactivating};

// Times are in microseconds, as doubles: no number in a report can overflow them.
struct Bar {
  double from = 0;
  double to = 0;
  std::string_view kind;
};
struct Row {
  std::string label;
  double from = 0;  // where the label stands
  std::vector<Bar> bars;
};
struct Panel {
  std::string title;
  double from = 0;
  double to = 0;
  std::vector<Row> rows;
};

double us(std::uint64_t time) {
  return static_cast<double>(time);
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string duration(double time) {
  if (std::abs(time) < 1000) {
    return format("%.0f &#181;s", time);
  }
  return std::abs(time) < 1e6 ? format("%.1f ms", time / 1e3) : format("%.3f s", time / 1e6);
}

// A mark of an axis in the unit that its step has.
std::string mark(double time, double step) {
  if (step < 1000) {
    return format("%.0f &#181;s", time);
  }
  return step < 1e6 ? format("%.0f ms", time / 1e3) : format("%.0f s", time / 1e6);
}

double text_y(double row_top) {
  return row_top + text_offset;
}

std::string text_line(double x, double row_top, std::string_view attributes, std::string_view escaped) {
  return cat(format(R"(<text x="%.1f" y="%.1f")", x, text_y(row_top)), attributes, '>', escaped, "</text>\n");
}

class Axis {
 public:
  Axis(double from, double to) : from_(from), to_(to > from ? to : from + std::max(1.0, std::abs(from))) {}

  [[nodiscard]] double x(double time) const {
    return margin + axis_width * (std::clamp(time, from_, to_) - from_) / (to_ - from_);
  }
  [[nodiscard]] bool in_left_half(double time) const { return time - from_ < (to_ - from_) / 2; }

  [[nodiscard]] std::string grid(double top, double bottom) const {
    const double step = grid_step(std::max(to_ - from_, steps_wanted), steps_wanted);  // at least 1
    const double first = std::ceil(from_ / step);
    const int marks = static_cast<int>(std::floor((to_ - first * step) / step));
    std::string svg;
    for (int i = 0; i <= marks; ++i) {
      const double time = (first + i) * step;
      svg += format(R"(<path class="grid" d="M%.1f %.1fV%.1f"/>)", x(time), top, bottom);
      svg += text_line(x(time), top - row_height, R"( class="mark")", mark(time, step));
    }
    return svg;
  }

 private:
  double from_;
  double to_;
};

std::string draw(const Row& row, const Axis& axis, double top) {
  std::string svg;
  for (const Bar& bar : row.bars) {
    if (bar.to < bar.from) {
      continue;
    }
    // What is too short to be seen is still there.
    svg += cat(R"(<rect class=")", bar.kind,
               format(R"(" x="%.1f" y="%.1f" width="%.1f" height="%.0f"/>)", axis.x(bar.from), top,
                      std::max(axis.x(bar.to) - axis.x(bar.from), 1.0), bar_height));
  }
  return svg + (axis.in_left_half(row.from)
                    ? text_line(axis.x(row.from) + 4, top, "", row.label)
                    : text_line(axis.x(row.from) - 4, top, R"( class="left")", row.label));
}

// Appends the panel below `y`, and moves y to its end.
void draw(const Panel& panel, double& y, std::string& svg) {
  svg += text_line(margin, y, R"( class="title")", panel.title);
  y += 3 * row_height;
  const Axis axis(panel.from, panel.to);
  const double bottom = y + row_height * static_cast<double>(panel.rows.size());
  svg += axis.grid(y - row_height / 2, bottom);
  for (const Row& row : panel.rows) {
    svg += draw(row, axis, y);
    y += row_height;
  }
  y += row_height;
}

Row phase(std::string_view name, double from, double to, const Kind& kind) {
  return {.label = cat(name, " (", duration(to - from), ')'),
          .from = from,
          .bars = {{.from = from, .to = to, .kind = kind.name}}};
}

double start_of(const BootReport::Stage& stage) {
  return us(stage.end_us) - us(stage.us);
}

// From the first stage's start to the last one's end; both 0 where there is none.
std::pair<double, double> initrd_span(const BootReport& report) {
  return report.stages.empty() ? std::pair(0.0, 0.0)
                               : std::pair(start_of(report.stages.front()), us(report.stages.back().end_us));
}

// Its time begins with the first stage.
Panel stage_panel(const BootReport& report) {
  const auto [from, to] = initrd_span(report);
  Panel panel{.title = cat("composefs-root in the initrd: ", duration(to - from), ", from ", duration(from)),
              .from = 0,
              .to = to - from,
              .rows = {}};
  for (const BootReport::Stage& stage : report.stages) {
    const double start = start_of(stage) - from;
    panel.rows.push_back({.label = cat(xml(stage.name), " (", stage.us, " &#181;s)"),
                          .from = start,
                          .bars = {{.from = start, .to = us(stage.end_us) - from, .kind = initrd.name}}});
  }
  return panel;
}

// The end of what began at `from`: `end`, unless that is of another time.
double end_of(double from, double end, double otherwise) {
  return end >= from ? end : otherwise;
}

// Until `now`, the chart's end, it is what it became last.
Row unit_row(const BootTimes::Unit& unit, double now) {
  const double start = us(unit.inactive_exit_us);
  const double up = us(unit.active_enter_us);
  const double down = us(unit.active_exit_us);
  const double ended = end_of(start, us(unit.inactive_enter_us), now);
  const bool was_up = up >= start;
  const bool went_down = was_up && down >= up;

  Row row{.label = xml(unit.name), .from = start, .bars = {}};
  row.bars.push_back({.from = start, .to = was_up ? up : ended, .kind = activating.name});
  if (was_up) {
    row.bars.push_back({.from = up, .to = went_down ? down : now, .kind = active.name});
  }
  if (went_down) {
    row.bars.push_back({.from = down, .to = ended, .kind = deactivating.name});
  }
  // What takes no time, such as a target, gets no word about it.
  if (const double took = row.bars.front().to - start; took > 0) {
    row.label += cat(" (", duration(took), ')');
  }
  return row;
}

double last_event(const BootTimes& times) {
  double last = us(std::max(times.userspace_us, times.units_load_finish_us));
  for (const BootTimes::Unit& unit : times.units) {
    last = std::max({last, us(unit.inactive_exit_us), us(unit.active_enter_us)});
  }
  return last;
}

Row systemd_row(const BootTimes& times, double end) {
  Row row = phase("systemd", us(times.userspace_us), end, systemd);
  row.bars.push_back(
      {.from = us(times.generators_start_us), .to = us(times.generators_finish_us), .kind = generators.name});
  row.bars.push_back(
      {.from = us(times.units_load_start_us), .to = us(times.units_load_finish_us), .kind = loading.name});
  return row;
}

Panel boot_panel(const BootReport& report, const BootTimes& times) {
  const bool finished = times.finish_us != 0;
  const double end = finished ? us(times.finish_us) : last_event(times);
  const auto [initrd_from, initrd_to] = initrd_span(report);
  const double root = us(times.userspace_us);
  // With systemd in the initrd, that came before us.
  const double kernel_to = std::min(times.initrd_us != 0 ? us(times.initrd_us) : initrd_from, root);

  Panel panel{.title = cat(finished ? "The whole boot: " : "The boot so far, not finished yet: ",
                           duration(end + us(times.firmware_us)),
                           times.systemd_version.empty() ? "" : ", systemd ", xml(times.systemd_version)),
              .from = -us(times.firmware_us),
              .to = end,
              .rows = {}};
  if (times.firmware_us != 0) {
    panel.rows.push_back(phase("firmware", -us(times.firmware_us), -us(times.loader_us), kernel));
  }
  if (times.loader_us != 0) {
    panel.rows.push_back(phase("boot loader", -us(times.loader_us), 0, kernel));
  }
  panel.rows.push_back(phase("kernel", 0, kernel_to, kernel));
  if (times.initrd_us != 0) {
    panel.rows.push_back(phase("systemd in the initrd", us(times.initrd_us), root, systemd));
  }
  panel.rows.push_back(phase("composefs-root", initrd_from, initrd_to, initrd));
  if (initrd_to <= root) {  // not so after a soft reboot, whose root is newer than systemd's start
    panel.rows.push_back(phase("switch-root", initrd_to, root, systemd));
  }
  panel.rows.push_back(systemd_row(times, end));

  std::vector<BootTimes::Unit> units = times.units;
  std::erase_if(units, [end](const BootTimes::Unit& unit) { return us(unit.inactive_exit_us) > end; });
  std::sort(units.begin(), units.end(), [](const BootTimes::Unit& a, const BootTimes::Unit& b) {
    return std::tie(a.inactive_exit_us, a.active_enter_us, a.name) <
           std::tie(b.inactive_exit_us, b.active_enter_us, b.name);
  });
  for (const BootTimes::Unit& unit : units) {
    panel.rows.push_back(unit_row(unit, end));
  }
  return panel;
}

std::string style() {
  std::string css =
      "<style>\n"
      "text { font: 12px sans-serif; fill: #222 }\n"
      ".title { font-size: 16px }\n"
      ".left { text-anchor: end }\n"
      ".mark { text-anchor: middle; fill: #777 }\n"
      ".grid { stroke: #ddd }\n";
  for (const Kind& kind : kinds) {
    css += cat('.', kind.name, " { fill: ", kind.colour, " }\n");
  }
  return css + "</style>\n";
}

void draw_legend(double& y, std::string& svg) {
  double x = margin;
  for (const Kind& kind : kinds) {
    svg += cat(R"(<rect class=")", kind.name,
               format(R"(" x="%.1f" y="%.1f" width="24" height="%.0f"/>)", x, y, bar_height));
    svg += text_line(x + 30, y, "", kind.meaning);
    x += axis_width / static_cast<double>(kinds.size());
  }
  y += 2 * row_height;
}

void draw_description(const BootReport& report, double& y, std::string& svg) {
  svg += text_line(margin, y, R"( class="title")", cat(xml(report.image_id), ' ', xml(report.version)));
  y += row_height;
  const std::string lines[]{
      cat("digest ", xml(report.digest)),
      cat("manifest ", xml(report.manifest), ", security-version ", report.security_version, ", ",
          report.slot.empty() ? "named by the command line" : cat("slot ", xml(report.slot))),
      cat("Linux ", xml(report.kernel_release)),
  };
  for (const std::string& line : lines) {
    svg += text_line(margin, y, "", line);
    y += row_height;
  }
  y += row_height;
}

}  // namespace

std::string boot_chart(const BootReport& report, const std::optional<BootTimes>& times) {
  std::string body;
  double y = margin;
  draw_description(report, y, body);
  draw_legend(y, body);
  draw(stage_panel(report), y, body);
  if (times) {
    draw(boot_panel(report, *times), y, body);
  }
  const std::string size = format(R"(width="%.0f" height="%.0f")", axis_width + 2 * margin, y + margin);
  return cat("<?xml version=\"1.0\" encoding=\"US-ASCII\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" ",
             size, ">\n", style(), R"(<rect width="100%" height="100%" fill="#fff"/>)", '\n', body,
             "</svg>\n");
}

}  // namespace cfs
