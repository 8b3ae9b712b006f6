// SPDX-License-Identifier: Apache-2.0
#include "plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cfs/base/atomic_file.hpp"
#include "cfs/tool/svg.hpp"

namespace cfs::bench {

namespace {

// In pixels: the area between the axes, and the place around it for numbers and titles.
constexpr double width = 640;
constexpr double height = 400;
constexpr double left = 80;
constexpr double right = 40;
constexpr double top = 50;
constexpr double bottom = 60;

constexpr double steps_wanted = 5;  // marks on an axis, about
constexpr std::array colours{"#0b62a4", "#d1600c", "#3d8b37"};

struct Axis {
  double step = 0;
  double end = 0;  // a multiple of the step

  explicit Axis(double maximum)
      : step(grid_step(maximum, steps_wanted)), end(std::ceil(maximum / step) * step) {}
};

double x_of(const Axis& files, double value) {
  return left + width * value / files.end;
}

double y_of(const Axis& seconds, double value) {
  return top + height * (1 - value / seconds.end);
}

std::string axes(const Axis& files, const Axis& seconds) {
  std::string svg;
  for (int i = 0; i * files.step <= files.end; ++i) {
    const double x = x_of(files, i * files.step);
    svg += format(R"(<path d="M%.1f %.1fV%.1f" stroke="#ddd"/>)", x, top, top + height);
    svg += format(R"(<text x="%.1f" y="%.1f" text-anchor="middle">%.0f</text>)"
                  "\n",
                  x, top + height + 20, i * files.step);
  }
  for (int i = 0; i * seconds.step <= seconds.end; ++i) {
    const double y = y_of(seconds, i * seconds.step);
    svg += format(R"(<path d="M%.1f %.1fH%.1f" stroke="#ddd"/>)", left, y, left + width);
    svg += format(R"(<text x="%.1f" y="%.1f" text-anchor="end">%g</text>)"
                  "\n",
                  left - 8, y + 5, i * seconds.step);
  }
  svg += format(R"(<path d="M%.1f %.1fV%.1fH%.1f" fill="none" stroke="#333"/>)"
                "\n",
                left, top, top + height, left + width);
  svg += format(R"(<text x="%.1f" y="%.1f" text-anchor="middle">files</text>)"
                "\n",
                left + width / 2, top + height + 45);
  svg +=
      format(R"svg(<text transform="translate(22 %.1f) rotate(-90)" text-anchor="middle">seconds</text>)svg"
             "\n",
             top + height / 2);
  return svg;
}

std::string line(const Series& series, const char* colour, const Axis& files, const Axis& seconds) {
  std::string svg = format(R"(<polyline fill="none" stroke="%s" stroke-width="2" points=")", colour);
  for (const Point& point : series.points) {
    svg += format("%.1f,%.1f ", x_of(files, point.files), y_of(seconds, point.seconds));
  }
  svg += "\"/>\n";
  for (const Point& point : series.points) {
    svg += format(R"(<circle cx="%.1f" cy="%.1f" r="4" fill="%s"><title>%.0f files: %.3f s</title></circle>)"
                  "\n",
                  x_of(files, point.files), y_of(seconds, point.seconds), colour, point.files, point.seconds);
  }
  return svg;
}

std::string legend(const Series& series, const char* colour, double y) {
  return format(R"(<path d="M%.1f %.1fh24" stroke="%s" stroke-width="2"/><text x="%.1f" y="%.1f">%s</text>)"
                "\n",
                left + 16, y, colour, left + 48, y + 5, series.name.c_str());
}

}  // namespace

std::string plot(const std::vector<Series>& series) {
  Point largest;
  for (const Series& one : series) {
    for (const Point& point : one.points) {
      largest.files = std::max(largest.files, point.files);
      largest.seconds = std::max(largest.seconds, point.seconds);
    }
  }
  const Axis files(largest.files);
  const Axis seconds(largest.seconds);
  std::string svg = format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="sans-serif" font-size="14">)"
      "\n",
      left + width + right, top + height + bottom);
  svg += R"(<rect width="100%" height="100%" fill="#fff"/>)"
         "\n";
  svg += format(
      R"(<text x="%.1f" y="30" text-anchor="middle" font-size="16">Digest of a tree of small files</text>)"
      "\n",
      left + width / 2);
  svg += axes(files, seconds);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const char* const colour = colours[i % colours.size()];
    svg += line(series[i], colour, files, seconds);
    svg += legend(series[i], colour, top + 20 + 22 * static_cast<double>(i));
  }
  return svg + "</svg>\n";
}

Result<> write_plot(const std::vector<Series>& series, const std::string& path) {
  return write_file(path, plot(series));
}

}  // namespace cfs::bench
