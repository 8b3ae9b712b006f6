// SPDX-License-Identifier: Apache-2.0
// Boots a whole Debian 13, records what that reads, and boots again with the profile: from the disk that was
// there, and from one that is laid out by it.
#include <gmock/gmock.h>

#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::StartsWith;

const std::string stateless =
    "image-id = \"demo\"\n"
    "store = \"PARTLABEL=composefs-store\"\n"
    "device-timeout = 120\n"
    "[state]\n"
    "var = \"transient\"\n"
    "[failure]\n"
    "action = \"poweroff\"\n" +
    test_words;

// A system that has started all that it starts.
class System : public Console {
 public:
  explicit System(const MachineOptions& options) : Console(options) {
    EXPECT_EQ(run("systemctl is-system-running --wait"), "running\n");
    requests = read_requests();
  }

  // That of boot.json: "true" or "false".
  std::string read_ahead() {
    return run("grep -o '\"read-ahead\": [a-z]*' /run/composefs-root/boot.json | cut -d ' ' -f 2");
  }

  std::uint64_t requests = 0;
};

TEST(Profile, SavesRequests) {
  const HostSystem system(stateless);
  // It would read on after the boot: requests that this is not about.
  std::filesystem::create_symlink("/dev/null",
                                  system.root() / "etc/systemd/system/composefs-root-check.service");
  const std::string digest = system.add_image("debian", "current", "transient");
  system.make_disk({"--state-size", "0"});
  const MachineOptions options = system.machine(system.initramfs());
  std::uint64_t without = 0;
  std::string profile;
  {
    System started(options);
    without = started.requests;
    EXPECT_EQ(started.read_ahead(), "false\n");
    EXPECT_EQ(started.run("cfs-sign profile record -o /run/profile 2>&1"), "");
    profile = started.run("cat /run/profile");
    EXPECT_EQ(started.run("cfs-sign profile apply /run/profile 2>&1"), "");
    EXPECT_EQ(started.run("cfs-sign status | tail -n 1"), "now               mounted as recorded\n");
    started.power_off();
  }
  ASSERT_THAT(profile, StartsWith("composefs-root boot profile 1\nimage " + digest + "\n" + digest + " "));
  {
    System started(options);
    std::printf("%lu requests without a profile, %lu with it\n", without, started.requests);
    EXPECT_EQ(started.read_ahead(), "true\n");
    EXPECT_EQ(started.run("dmesg | grep -e 'nothing is read ahead' -e 'recovery complete'"), "");
    EXPECT_LT(started.requests, without);
    started.power_off();
  }
  write(system.workshop() / "profile", profile);
  system.make_disk({"--state-size", "0", "--profile", system.workshop() / "profile"});
  {
    System started(options);
    std::printf("%lu requests without a profile, %lu from a disk laid out by it\n", without,
                started.requests);
    EXPECT_EQ(started.read_ahead(), "true\n");
    EXPECT_LT(started.requests * 10, without * 7);
    started.power_off();
  }
}

// Whatever the disk has for a profile, the boot goes on; what is wrong with it stands in the kernel log.
TEST(Profile, ABadOneIsNoFailure) {
  const SmallMachine& machine = small_machine();
  const std::string hex = machine.digest().substr(machine.digest().find(':') + 1);
  const std::string first_lines = "composefs-root boot profile 1\nimage " + machine.digest() + "\n";
  const auto boot_with = [&](const std::string& bytes) {
    const auto disk = machine.copy_of_store_disk("profile.img");
    write(machine.workshop() / "profile", bytes);
    const StoreFileSystem file_system(disk);
    file_system.edit("write " + (machine.workshop() / "profile").string() + " /composefs/profiles/" + hex);
    return boot({.disks = {disk}});
  };
  const SerialLog malformed = boot_with("composefs-root boot profile 2\n");
  EXPECT_THAT(malformed, Started());
  EXPECT_THAT(malformed, Says("nothing is read ahead: profile-malformed"));
  // Objects that are not there, and blocks that no file has.
  const SerialLog wrong = boot_with(first_lines + "sha256:" + std::string(64, '0') + " 0+1\n" +
                                    machine.digest() + " 0+4294967295\n");
  EXPECT_THAT(wrong, Started());
}

}  // namespace
}  // namespace cfs::test
