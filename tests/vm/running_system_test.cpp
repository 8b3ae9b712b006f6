// SPDX-License-Identifier: Apache-2.0
// Boots a whole Debian 13 with the host's part of this project installed, twice, and looks at what a running
// system can notice: the state that it keeps, what it says of itself, and how it shuts down.
#include <gmock/gmock.h>

#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct State {
  const char* name;
  std::string device;
  std::string var;
};
void PrintTo(const State& state, std::ostream* stream) {
  *stream << state.name;
}

class RunningSystem : public ::testing::TestWithParam<State> {};

// The state's journal would be replayed if the machine had gone off without the file system being unmounted,
// or made read-only: where nothing shows it, by the hook.
TEST_P(RunningSystem, KeepsItsStateAndShutsDownCleanly) {
  if (std::string_view(GetParam().name) != "HiddenOnTheStore" && !full_run()) {
    GTEST_SKIP() << "only with CFS_FULL: the soft reboots end with such a state, too";
  }
  const HostSystem system(HostSystem::policy(GetParam().device));
  const std::string digest = system.add_image("debian", "current", GetParam().var);
  system.make_disk({"--size", "800M"});
  const MachineOptions machine = system.machine(system.initramfs());
  std::string id;
  for (int boots = 1; boots <= 2; ++boots) {
    Console console(machine);
    EXPECT_EQ(console.run("systemctl is-system-running --wait"), "running\n");
    EXPECT_EQ(console.run("dmesg | grep 'recovery complete'"), "");
    EXPECT_EQ(console.run("echo x >>/etc/kept; wc -l </etc/kept"), std::to_string(boots) + '\n');
    const std::string this_id = console.run("cat /etc/machine-id");
    EXPECT_TRUE(id.empty() || id == this_id) << id << this_id;
    id = this_id;

    EXPECT_THAT(console.run("cfs-sign status; echo status $?"),
                AllOf(HasSubstr("mounted as recorded"), HasSubstr("status 0")));
    EXPECT_THAT(console.run("journalctl --no-pager -o verbose MESSAGE_ID=4ffbfa6affea4231a614e0b83eb5fae0"),
                AllOf(HasSubstr("COMPOSEFS_DIGEST=" + digest), HasSubstr("COMPOSEFS_SIGNER=")));
    EXPECT_EQ(console.run("readlink /run/systemd/volatile-root"),
              console.run("echo /dev/block/$(cat /sys/class/block/vda1/dev)"));
    EXPECT_EQ(console.run("systemd-analyze verify --man=no composefs-root-{check,grow,report}.service "
                          "composefs-root-check.timer 2>&1"),
              "");
    console.power_off();
    // systemd says so when it tries while something is in use, as /var is by the journal until the end.
    EXPECT_THAT(console.log(), Not(HasSubstr("Failed unmounting")));
    if (HasFailure()) {
      std::printf("%s\n", console.log().c_str());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(State, RunningSystem,
                         ::testing::Values(State{"OnItsPartition", "PARTLABEL=composefs-state", "bind"},
                                           State{"OnTheStore", "store", "bind"},
                                           State{"HiddenOnTheStore", "store", "transient"}),
                         [](const auto& state) { return state.param.name; });

}  // namespace
}  // namespace cfs::test
