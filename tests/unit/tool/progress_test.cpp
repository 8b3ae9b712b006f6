// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "cfs/base/fd.hpp"

namespace cfs {
namespace {

using namespace std::chrono_literals;

TEST(Progress, LineNamesFilesBytesAndRate) {
  EXPECT_EQ(progress_line("composing", {12, 3'450'000}, {}, 1500ms), "composing: 12 files, 3.4 MB, 2.3 MB/s");
  EXPECT_EQ(progress_line("composing", {}, {}, 0ms), "composing: 0 files, 0.0 MB, 0.0 MB/s");
  EXPECT_EQ(progress_line("x", {1, 20'000'000'000'000'000}, {}, 1000ms),
            "x: 1 files, 20000000000.0 MB, 20000000000.0 MB/s");
}

TEST(Progress, LineHasABarAndTheTimeLeftOnceAllIsKnown) {
  EXPECT_EQ(progress_line("x", {10, 1'000'000}, {40, 4'000'000}, 2000ms),
            "x: [#####---------------] 10 files, 1.0 MB, 0.5 MB/s, 6 s left");
  EXPECT_EQ(progress_line("x", {}, {40, 4'000'000}, 2000ms),
            "x: [--------------------] 0 files, 0.0 MB, 0.0 MB/s");
  // Nobody can tell the time by one small file of a large store.
  EXPECT_EQ(progress_line("x", {1, 100}, {20'000, 2'000'000'000}, 1000ms),
            "x: [--------------------] 1 files, 0.0 MB, 0.0 MB/s");
  EXPECT_EQ(progress_line("x", {0, 20'000'000}, {10, 2'000'000'000}, 1000ms),
            "x: [--------------------] 0 files, 20.0 MB, 20.0 MB/s");
  EXPECT_EQ(progress_line("x", {0, 25'000'000}, {10, 2'000'000'000}, 1000ms),
            "x: [--------------------] 0 files, 25.0 MB, 25.0 MB/s, 79 s left");
  EXPECT_EQ(progress_line("x", {50, 0}, {100, 0}, 10000ms),  // empty files take their time too
            "x: [##########----------] 50 files, 0.0 MB, 0.0 MB/s, 10 s left");
  EXPECT_EQ(progress_line("x", {50, 5'000'000}, {40, 4'000'000}, 1000ms),  // it grew
            "x: [####################] 50 files, 5.0 MB, 5.0 MB/s, 0 s left");
}

// A pseudo terminal: what is written to `terminal` can be read from `screen`.
struct Terminal {
  Fd screen{::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)};
  Fd terminal;
  Terminal() {
    std::array<char, 64> name{};
    if (::grantpt(screen.get()) == 0 && ::unlockpt(screen.get()) == 0 &&
        ::ptsname_r(screen.get(), name.data(), name.size()) == 0) {
      terminal = Fd(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    }
  }
  [[nodiscard]] std::string shown() const {
    std::array<char, 4096> buffer{};
    const auto size = ::read(screen.get(), buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
  }
};

TEST(Progress, AppearsAfterASecondAndGoesAway) {
  const Terminal terminal;
  if (!terminal.terminal) {
    GTEST_SKIP() << "no pseudo terminals here";
  }
  {
    Progress progress("composing", terminal.terminal.get());
    EXPECT_TRUE(progress.visible());
    progress.expect({4, 4'000'000});
    progress.add(1'000'000);
    EXPECT_EQ(terminal.shown(), "");
    std::this_thread::sleep_for(1100ms);
    progress.add_part(400'000);
    EXPECT_NE(terminal.shown().find("composing: [######--------------] 1 files, 1.4 MB"), std::string::npos);
    std::this_thread::sleep_for(250ms);
    progress.add(600'000);
    EXPECT_NE(terminal.shown().find("composing: [##########----------] 2 files, 2.0 MB"), std::string::npos);
    progress.add(1);  // too soon to show again
    EXPECT_EQ(terminal.shown(), "");
  }
  EXPECT_EQ(terminal.shown(), "\r\033[K");
}

TEST(Progress, IsSilentWhereThereIsNoTerminal) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  {
    Progress progress("composing", writer.get());
    EXPECT_FALSE(progress.visible());
    std::this_thread::sleep_for(1100ms);
    progress.add(1);
  }
  char byte = 0;
  EXPECT_EQ(::read(reader.get(), &byte, 1), -1);
}

}  // namespace
}  // namespace cfs
