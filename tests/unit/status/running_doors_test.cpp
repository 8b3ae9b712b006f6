// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/running_doors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "cfs/doors/doors.hpp"
#include "cfs/doors/visible_cmdline.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

// A system whose doors the boot has closed, but for those that `policy` opens.
class RunningDoorsTest : public ::testing::Test {
 protected:
  void boot(const Policy& policy) {
    std::filesystem::create_directory(root_.path("run"));
    ASSERT_TRUE(write_masks(policy.doors, root_.path()));
    root_.write("proc/cmdline", filter_cmdline("quiet\n", policy));
    report_.open_doors = open_doors(policy.doors);
  }
  [[nodiscard]] RunningDoors find() const { return find_doors(report_, root_.path()).value(); }
  [[nodiscard]] RunningDoor find(std::string_view key) const {
    const RunningDoors found = find();
    return *std::ranges::find(found.doors, key, &RunningDoor::key);
  }

  const TempDirectory root_;
  BootReport report_;
};

TEST_F(RunningDoorsTest, AreAsTheBootLeftThem) {
  Policy policy;
  policy.doors.gpt_auto = true;
  boot(policy);
  EXPECT_EQ(find().doors.size(), all_doors().size());
  for (const RunningDoor& door : find().doors) {
    EXPECT_EQ(door.state, door.key == "gpt-auto" ? DoorState::open_by_policy : DoorState::closed) << door.key;
  }
  EXPECT_TRUE(check_doors(find()));
}

TEST_F(RunningDoorsTest, AreFoundOpenByWhoeverChangedTheSystem) {
  boot({});
  std::filesystem::remove(root_.path("run/systemd/system.control/systemd-sysext.service"));
  EXPECT_EQ(find("system-extensions").state, DoorState::open_since_boot);
  EXPECT_EQ(find("gpt-auto").state, DoorState::closed);
  const auto checked = check_doors(find());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), Code::door_open);
  EXPECT_EQ(checked.error().what(),
            "the door system-extensions was opened since the boot: "
            "/run/systemd/system.control/systemd-sysext.service is no mask");
}

TEST_F(RunningDoorsTest, AreUnknownToAnEarlierVersion) {
  EXPECT_TRUE(find().doors.empty());
  EXPECT_TRUE(check_doors(find()));
}

TEST_F(RunningDoorsTest, NeedTheCommandLine) {
  report_.open_doors.emplace();
  EXPECT_EQ(find_doors(report_, root_.path()).error().code(), Code::not_found);
}

TEST_F(RunningDoorsTest, ComeWithWhatTheKernelLetsRootDo) {
  EXPECT_EQ(find().lockdown, std::nullopt);
  EXPECT_EQ(find().kexec, Kexec::absent);
  root_.write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  root_.write("proc/sys/kernel/kexec_load_disabled", "0\n");
  EXPECT_EQ(find().lockdown, "integrity");
  EXPECT_EQ(find().kexec, Kexec::possible);
  root_.write("sys/kernel/security/lockdown", "nonsense\n");
  root_.write("proc/sys/kernel/kexec_load_disabled", "1\n");
  EXPECT_EQ(find().lockdown, std::nullopt);
  EXPECT_EQ(find().kexec, Kexec::disabled);
}

}  // namespace
}  // namespace cfs
