// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "cfs/tool/svg.hpp"
#include "results.hpp"

namespace cfs::instructions {

namespace {

// In pixels.
constexpr double width = 900;
constexpr double left = 60;
constexpr double top = 90;
constexpr double bar = 36;
constexpr double pitch = 56;
constexpr double bottom = 50;

constexpr double mark_step = 1e9;  // instructions between two marks on the axis

// The parts of a bar. A contender that lacks a stage has that part in the next.
struct Part {
  Stage end;
  const char* title;
  const char* colour;
};
constexpr std::array parts{
    Part{Stage::kernel_start, "decompress the kernel", "#b0b0b0"},
    Part{Stage::init_entry, "kernel to /init", "#7d8a96"},
    Part{Stage::attached, "/init to attached", "#d1600c"},
    Part{Stage::root_init, "to the root's systemd", "#e8a33d"},
    Part{Stage::early_service, "to the first service", "#0b62a4"},
    Part{Stage::basic_target, "to basic.target", "#3d8b37"},
    Part{Stage::multi_user_target, "to multi-user.target", "#8fbf6a"},
};

double instructions_to(const Measured& contender, Stage stage) {
  const auto found = range(contender, Stage::kernel_entry, stage);
  return found ? static_cast<double>(found->median) : 0;
}

std::string bar_of(const Measured& contender, double y, double scale) {
  std::string svg = format(R"(<text x="%.1f" y="%.1f" text-anchor="end">%s</text>)"
                           "\n",
                           left - 10, y + bar / 2 + 5, contender.name.c_str());
  double begin = 0;
  for (const Part& part : parts) {
    const double end = instructions_to(contender, part.end);
    if (end > begin) {
      svg += format(R"(<rect x="%.1f" y="%.1f" width="%.2f" height="%.1f" fill="%s">)"
                    "<title>%s: %.1f M</title></rect>\n",
                    left + begin * scale, y, (end - begin) * scale, bar, part.colour, part.title,
                    (end - begin) / 1e6);
      begin = end;
    }
  }
  return svg + format(R"(<text x="%.1f" y="%.1f">%.2f G</text>)"
                      "\n",
                      left + begin * scale + 6, y + bar / 2 + 5, begin / 1e9);
}

std::string legend() {
  constexpr double column = 230;
  constexpr std::size_t columns = 4;
  std::string svg;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double x = left + column * static_cast<double>(i % columns);
    const std::size_t row = i / columns;
    const double y = 44 + 22 * static_cast<double>(row);
    svg +=
        format(R"(<rect x="%.1f" y="%.1f" width="14" height="14" fill="%s"/>)", x, y - 12, parts[i].colour);
    svg += format(R"(<text x="%.1f" y="%.1f">%s</text>)"
                  "\n",
                  x + 20, y, parts[i].title);
  }
  return svg;
}

}  // namespace

std::string chart(const Results& results) {
  double largest = mark_step;
  for (const Measured& contender : results.contenders) {
    largest = std::max(largest, instructions_to(contender, Stage::multi_user_target));
  }
  const double scale = width / largest;
  const double end = top + pitch * static_cast<double>(results.contenders.size());
  std::string svg =
      format(R"(<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" font-family="sans-serif" )"
             R"(font-size="14"><rect width="100%%" height="100%%" fill="#fff"/>)"
             "\n",
             left + width + 90, end + bottom);
  svg += format(R"(<text x="%.1f" y="20" font-size="16">Instructions from kernel entry</text>)"
                "\n",
                left);
  svg += legend();
  for (int i = 0; i * mark_step <= largest; ++i) {
    const double mark = i * mark_step;
    svg += format(R"(<path d="M%.1f %.1fV%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="middle">)"
                  "%.0f G</text>\n",
                  left + mark * scale, top - 8, end, left + mark * scale, end + 20, mark / 1e9);
  }
  double y = top;
  for (const Measured& contender : results.contenders) {
    svg += bar_of(contender, y, scale);
    y += pitch;
  }
  return svg + "</svg>\n";
}

}  // namespace cfs::instructions
