// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/boot_chart.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <string_view>
#include <vector>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BootReport report() {
  BootReport report;
  report.image_id = "demo";
  report.version = "2026.11.24";
  report.security_version = 7;
  report.digest = "sha256:aaaa";
  report.manifest = "demo-7";
  report.slot = "current";
  report.kernel_release = "6.12.9";
  report.stages = {{.name = "policy", .end_us = 2'000'100, .us = 100},
                   {.name = "verify", .end_us = 2'030'100, .us = 30'000}};
  return report;
}

BootTimes times() {
  BootTimes times;
  times.systemd_version = "257";
  times.firmware_us = 900'000;
  times.loader_us = 400'000;
  times.userspace_us = 2'100'000;
  times.generators_start_us = 2'200'000;
  times.generators_finish_us = 2'300'000;
  times.units_load_start_us = 2'300'000;
  times.units_load_finish_us = 2'500'000;
  times.finish_us = 6'000'000;
  times.units = {
      {.name = "multi-user.target", .inactive_exit_us = 5'900'000, .active_enter_us = 5'900'000},
      {.name = "after.service", .inactive_exit_us = 7'000'000, .active_enter_us = 8'000'000},
      {.name = "daemon.service", .inactive_exit_us = 3'000'000, .active_enter_us = 3'250'000},
      {.name = "oneshot.service", .inactive_exit_us = 4'000'000, .inactive_enter_us = 4'500'000},
      {.name = "short.service",
       .inactive_exit_us = 2'600'000,
       .active_enter_us = 2'700'000,
       .active_exit_us = 3'500'000,
       .inactive_enter_us = 3'600'000},
      // Again on its way, after it was active before.
      {.name = "again.service",
       .inactive_exit_us = 5'000'000,
       .active_enter_us = 3'000'000,
       .active_exit_us = 3'100'000,
       .inactive_enter_us = 3'200'000},
  };
  return times;
}

// Whether every element is closed in its order, and text has no characters that XML reserves.
::testing::AssertionResult is_well_formed(std::string_view svg) {
  std::vector<std::string_view> open;
  std::size_t at = svg.find("?>") + 2;
  while (at < svg.size()) {
    if (svg[at] == '&') {
      const std::string_view entity = svg.substr(at, svg.find(';', at) + 1 - at);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&#181;") {
        return ::testing::AssertionFailure() << "entity " << entity;
      }
    }
    if (svg[at] == '>' || svg[at] < ' ' || svg[at] > '~') {
      if (svg[at] != '\n') {
        return ::testing::AssertionFailure() << "character " << svg.substr(at, 40);
      }
    }
    if (svg[at] != '<') {
      ++at;
      continue;
    }
    const std::string_view tag = svg.substr(at, svg.find('>', at) + 1 - at);
    if (tag.starts_with("</")) {
      if (open.empty() || tag.substr(2, tag.size() - 3) != open.back()) {
        return ::testing::AssertionFailure() << tag;
      }
      open.pop_back();
    } else if (!tag.ends_with("/>")) {
      open.push_back(tag.substr(1, tag.find_first_of(" >") - 1));
    }
    at += tag.size();
  }
  return open.empty() ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << "no end";
}

TEST(BootChart, ShowsTheWholeBoot) {
  const std::string svg = boot_chart(report(), times());
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(svg, read_bytes(CFS_TEST_DATA "/boot-chart.svg"));
}

// Whether a label comes before another.
bool in_order(const std::string& svg, const std::vector<std::string>& labels) {
  std::size_t at = 0;
  for (const std::string& label : labels) {
    at = svg.find(label, at);
    if (at == std::string::npos) {
      return false;
    }
  }
  return true;
}

TEST(BootChart, ShowsWhatHappenedInItsOrder) {
  const std::string svg = boot_chart(report(), times());
  EXPECT_TRUE(in_order(
      svg, {"demo 2026.11.24", "sha256:aaaa", "security-version 7, slot current", "Linux 6.12.9",
            "initrd: 30.1 ms, from 2.000 s", "policy (100 &#181;s)", "verify (30000 &#181;s)",
            "The whole boot: 6.900 s, systemd 257", ">firmware (500.0 ms)", ">boot loader (400.0 ms)",
            ">kernel (2.000 s)", ">composefs-root (30.1 ms)", ">switch-root (69.9 ms)", ">systemd (3.900 s)",
            ">short.service (100.0 ms)", ">daemon.service (250.0 ms)", ">oneshot.service (500.0 ms)",
            ">again.service (1.000 s)", ">multi-user.target<"}))
      << svg;
  EXPECT_THAT(svg, Not(HasSubstr("after.service")));
}

TEST(BootChart, ShowsSystemdInTheInitrd) {
  BootTimes with = times();
  with.initrd_us = 1'500'000;
  EXPECT_TRUE(in_order(boot_chart(report(), with), {">kernel (1.500 s)", ">systemd in the initrd (600.0 ms)",
                                                    ">composefs-root (30.1 ms)", ">switch-root"}));
}

TEST(BootChart, ShowsABootThatIsNotFinished) {
  BootTimes unfinished = times();
  unfinished.finish_us = 0;
  EXPECT_TRUE(in_order(boot_chart(report(), unfinished),
                       {"The boot so far, not finished yet: 8.900 s", "after.service (1.000 s)"}));
}

TEST(BootChart, ShowsTheInitrdAlone) {
  const std::string svg = boot_chart(report(), std::nullopt);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, HasSubstr("verify (30000 &#181;s)"));
  EXPECT_THAT(svg, Not(HasSubstr("The whole boot")));
}

TEST(BootChart, HasNoSwitchRootFromARootThatIsNewerThanSystemd) {
  BootTimes earlier = times();
  earlier.userspace_us = 1'000'000;
  const std::string svg = boot_chart(report(), earlier);
  EXPECT_THAT(svg, Not(HasSubstr("switch-root")));
  EXPECT_THAT(svg, HasSubstr(">kernel (1.000 s)"));
}

TEST(BootChart, NamesASlotThatTheCommandLineChose) {
  BootReport chosen = report();
  chosen.slot.clear();
  EXPECT_THAT(boot_chart(chosen, std::nullopt), HasSubstr("named by the command line"));
}

TEST(BootChart, EscapesTexts) {
  BootReport odd = report();
  const std::string text = "<script>&\"'\n\xff]]>";
  odd.image_id = odd.version = odd.digest = odd.manifest = odd.slot = odd.kernel_release = text;
  odd.stages[0].name = text;
  BootTimes odd_times = times();
  odd_times.systemd_version = odd_times.units[0].name = text;
  const std::string svg = boot_chart(odd, odd_times);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr(R"(>&lt;script&gt;&amp;"'\x0a\xff]]&gt; ()"));
}

TEST(BootChart, StandsAnyNumbers) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t one : {std::uint64_t{0}, std::uint64_t{1}, most}) {
    for (const std::uint64_t other : {std::uint64_t{0}, std::uint64_t{1}, most}) {
      BootReport odd = report();
      odd.stages = {{.name = "a", .end_us = one, .us = other}, {.name = "b", .end_us = other, .us = one}};
      BootTimes odd_times = times();
      odd_times.firmware_us = one;
      odd_times.loader_us = other;
      odd_times.userspace_us = odd_times.generators_start_us = one;
      odd_times.generators_finish_us = odd_times.finish_us = other;
      odd_times.units[0].inactive_exit_us = odd_times.units[0].active_exit_us = one;
      odd_times.units[0].active_enter_us = odd_times.units[0].inactive_enter_us = other;
      const std::string svg = boot_chart(odd, odd_times);
      EXPECT_TRUE(is_well_formed(svg));
      EXPECT_THAT(svg, Not(HasSubstr("nan")));
      EXPECT_THAT(svg, Not(HasSubstr("inf")));
      EXPECT_LT(svg.size(), 20'000U);
    }
  }
  BootReport none = report();
  none.stages.clear();
  EXPECT_TRUE(is_well_formed(boot_chart(none, BootTimes())));
}

}  // namespace
}  // namespace cfs
