// SPDX-License-Identifier: Apache-2.0
// The machines are shell commands here: what matters is how they are started, watched and ended.
#include "qemu/machine.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

Machine shell(const std::string& script) {
  auto machine = Machine::start_command({"/bin/sh", "-c", script});
  EXPECT_TRUE(machine) << machine.error().what();
  return std::move(*machine);
}

TEST(Machine, FindsMarkersInOrder) {
  Machine machine = shell("printf 'one two\\r\\n'; sleep 0.1; echo three; echo one");
  EXPECT_EQ(*machine.wait_for("one", 5s), "one");
  EXPECT_EQ(*machine.wait_for("three", 5s), " two\nthree");
  EXPECT_EQ(*machine.wait_for("one", 5s), "\none");
  EXPECT_TRUE(machine.wait_exit(5s));
  EXPECT_EQ(machine.log(), "one two\nthree\none\n");
}

TEST(Machine, AMarkerMayArriveInPieces) {
  Machine machine = shell("printf 'log'; sleep 0.1; printf 'in\\033[0m'; sleep 0.1; printf ': '");
  EXPECT_EQ(*machine.wait_for("login: ", 5s), "login: ");
}

TEST(Machine, LosesNothing) {
  Machine machine = shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo end");
  ASSERT_TRUE(machine.wait_for("end\n", 30s));
  std::string expected;
  for (int i = 0; i < 20'000; ++i) {
    expected += "line " + std::to_string(i) + '\n';
  }
  EXPECT_EQ(machine.log(), expected + "end\n");
}

TEST(Machine, HearsWhatIsTyped) {
  Machine machine = shell("read word; echo \"heard $word\"");
  ASSERT_TRUE(machine.send("hello\n"));
  EXPECT_TRUE(machine.wait_for("heard hello", 5s));
}

TEST(Machine, SaysThatTheTimeIsOver) {
  Machine machine = shell("echo started; exec sleep 60");
  const auto found = machine.wait_for("login:", 200ms);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what(), AllOf(HasSubstr("login:"), HasSubstr("within"), HasSubstr("started")));
  EXPECT_FALSE(machine.wait_exit(0s));
}

TEST(Machine, SaysThatTheMachineEnded) {
  Machine machine = shell("echo 'Kernel panic'; echo 'no such device' >&2");
  const auto found = machine.wait_for("login:", 5s);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what(),
              AllOf(HasSubstr("ended"), HasSubstr("Kernel panic"), HasSubstr("no such device")));
}

TEST(Machine, ReportsAFailedQemu) {
  Machine machine = shell("echo 'bad option' >&2; exit 1");
  const auto ended = machine.wait_exit(5s);
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().what(), HasSubstr("bad option"));
}

TEST(Machine, ReportsAProgramThatIsNotThere) {
  auto machine = Machine::start_command({"/nonexistent/qemu"});
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->wait_exit(5s).error().code(), Code::not_found);
}

TEST(Machine, ReportsFilesThatAreNotThere) {
  const TempDirectory files;
  const std::string kernel = files.write("vmlinuz", "");
  const auto no_kernel = Machine::start({.kernel = files.path("none")});
  ASSERT_FALSE(no_kernel);
  EXPECT_EQ(no_kernel.error().code(), Code::not_found);
  EXPECT_THAT(no_kernel.error().what(), EndsWith("/none"));
  EXPECT_FALSE(Machine::start({.kernel = kernel, .initrd = files.path("none")}));
  EXPECT_FALSE(Machine::start({.kernel = kernel, .disks = {{.file = files.path("none")}}}));
}

TEST(Machine, SaysWhatItsDisksDid) {
  Machine machine = shell(R"(exec <&3 >&3
    answer() { read line; echo "$line" >&2; echo '{"timestamp": 1, "event": "RESUME"}'; echo "$1"; }
    stats='{"rd_operations": 5, "rd_bytes": 6144, "wr_operations": 7, "wr_bytes": 8192}'
    echo '{"QMP": {}}'
    answer '{"return": {}}'
    answer "{\"return\": [{\"device\": \"disk0\", \"stats\": $stats}]}"
    answer '{"error": {"desc": "no more"}}'
    read line; read line)");
  const auto disks = machine.block_statistics(5s);
  ASSERT_TRUE(disks) << disks.error().line();
  ASSERT_EQ(disks->size(), 1U);
  EXPECT_EQ(disks->front().read_requests, 5U);
  const auto refused = machine.block_statistics(5s);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().what(), HasSubstr("no more"));
  const auto silent = machine.block_statistics(200ms);
  ASSERT_FALSE(silent);
  EXPECT_THAT(silent.error().what(), HasSubstr("time is over"));
}

TEST(Machine, EndsWithItsObject) {
  pid_t process = 0;
  {
    Machine machine = shell("echo $$.; exec sleep 60");
    const auto pid = machine.wait_for(".", 5s);
    ASSERT_TRUE(pid);
    process = std::stoi(*pid);
    const Machine moved = std::move(machine);
    EXPECT_EQ(::kill(process, 0), 0);
  }
  EXPECT_EQ(::kill(process, 0), -1);
}

}  // namespace
}  // namespace cfs
