// SPDX-License-Identifier: Apache-2.0
// Boots a whole Debian 13 and has it start anew by systemctl soft-reboot: into the image that runs, into an
// update, when the update is not one that the device accepts, and with each kind of state.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "build_host.hpp"
#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// An image, which says in /usr/lib/generation what its name is. A stranger signs what is called "stranger",
// and "nameless", the last, has no os-release.
struct Image {
  std::string name;
  std::string security_version = "1";
  std::string etc = "overlay";
  std::string var = "bind";
};

// A system that runs the first of its images.
class Device {
 public:
  Device(const std::string& state_device, const std::vector<Image>& images)
      : system_(HostSystem::policy(state_device)) {
    must({"cp", "-a", (system_.configuration() / ".").string(),
          (system_.root() / "usr/lib/composefs-root").string()});
    cfs_sign({"keygen", system_.workshop() / "stranger"});
    for (const Image& image : images) {
      add(image);
    }
    cfs_sign({"slot", "--store", system_.store(), "current", images.front().name});
    system_.make_disk({"--size", "900M"});
  }

  [[nodiscard]] const HostSystem& system() const { return system_; }
  [[nodiscard]] const std::string& digest(const std::string& image) const { return digests_.at(image); }

  // Whether no file system on the disk has a journal to replay, or anything else to mend.
  void expect_clean() const {
    for (const std::string& file_system : file_systems()) {
      EXPECT_EQ(must({"dumpe2fs", "-h", file_system}).find("needs_recovery"), std::string::npos)
          << file_system;
      const Outcome checked = run({"e2fsck", "-fn", file_system});
      EXPECT_EQ(checked.status, 0) << checked.output << checked.errors;
    }
  }

  // Whether a file system on the disk has this file.
  [[nodiscard]] bool has(const std::string& path) const {
    const auto names = file_systems();
    return std::ranges::any_of(names, [&](const std::string& file_system) {
      return must({"debugfs", "-R", "stat " + path, file_system}).starts_with("Inode: ");
    });
  }

 private:
  // As programs that work on ext4 name them.
  [[nodiscard]] std::vector<std::string> file_systems() const {
    std::vector<std::string> names;
    std::istringstream starts(must({"partx", "--noheadings", "--output", "START", system_.disk()}));
    for (unsigned long start = 0; starts >> start;) {
      names.push_back(system_.disk().string() + "?offset=" + std::to_string(start * 512));
    }
    return names;
  }

  void add(const Image& image) {
    write(system_.root() / "usr/lib/generation", image.name);
    if (image.name == "nameless") {
      std::filesystem::remove(system_.root() / "usr/lib/os-release");
    }
    digests_[image.name] = test::add_image(
        system_.store(), system_.root(), image.name,
        image.name == "stranger" ? system_.workshop() / "stranger.key" : system_.key(),
        {"--etc", image.etc, "--var", image.var, "--security-version", image.security_version});
  }

  HostSystem system_;
  std::map<std::string, std::string> digests_;
};

// How often the system has started since /etc and /var began, this start included.
struct Starts {
  int etc = 1;
  int var = 1;
};

// What its administrator does and sees.
class Session {
 public:
  Session(const Device& device, const std::filesystem::path& initrd)
      : device_(device), console_(device.system().machine(initrd)) {
    machine_id_ = console_.run("cat /etc/machine-id");
  }

  // Has the slot hold this manifest, as an updater does, with the store mounted elsewhere for a moment.
  void set_slot(const std::string& slot, const std::string& manifest) {
    EXPECT_THAT(console_.run("set -e; mount /dev/vda1 /mnt 2>&1 || { mount -o ro /dev/vda1 /mnt; "
                             "mount -o remount,rw /mnt; ro=1; }; "
                             "ln -sfn ../manifests/" +
                             manifest + ".toml /mnt/composefs/slots/" + slot +
                             "; [ -z \"$ro\" ] || mount -o remount,ro /mnt; umount /mnt; echo done"),
                HasSubstr("done"));
  }

  // The next start is to begin anew, with another machine id.
  void ask_for_factory_reset() {
    EXPECT_EQ(console_.run("cfs-sign factory-reset; echo status $?"), "status 0\n");
    reset_ = true;
  }

  // What runs and what of the state is there, in which everything is written to once at each start. To be
  // called once after each.
  void expect_running(const std::string& image, const Starts& starts) {
    SCOPED_TRACE("start " + std::to_string(soft_reboots_ + 1) + " runs " + image);
    EXPECT_EQ(console_.run("systemctl is-system-running --wait; systemctl --failed --quiet"), "running\n");
    EXPECT_EQ(console_.run("cat /usr/lib/generation"), image);
    EXPECT_EQ(console_.run("systemctl show --value --property SoftRebootsCount"),
              std::to_string(soft_reboots_++) + '\n');
    const std::string before = std::exchange(machine_id_, console_.run("cat /etc/machine-id"));
    EXPECT_EQ(machine_id_ != before, reset_) << before << machine_id_;
    EXPECT_EQ(console_.run("echo x >>/etc/kept; wc -l </etc/kept"), std::to_string(starts.etc) + '\n');
    EXPECT_EQ(console_.run("echo x >>/var/kept; wc -l </var/kept"), std::to_string(starts.var) + '\n');
    status_ = console_.run("cfs-sign status; echo status $?");
    const bool fell_back = status_.find("\nrefused ") != std::string::npos;
    EXPECT_THAT(status_, AllOf(HasSubstr(device_.digest(image)), HasSubstr("mounted as recorded"),
                               HasSubstr(fell_back ? "status 3" : "status 0")));
    EXPECT_EQ(status_.find("reset to factory state") != std::string::npos, std::exchange(reset_, false));
    EXPECT_EQ(console_.run("cfs-sign boot-chart 2>&1 >/dev/null; echo status $?"), "status 0\n");
    EXPECT_EQ(console_.run("grep -c -e ' /run/nextroot' -e ' /mnt' /proc/self/mountinfo"), "0\n");
    EXPECT_EQ(console_.run("dmesg | grep -e 'in-use as upperdir' -e 'recovery complete'"), "");
    EXPECT_THAT(console_.log(), Not(HasSubstr("Failed unmounting")));
    EXPECT_EQ(console_.run("readlink /run/systemd/volatile-root"),
              console_.run("echo /dev/block/$(cat /sys/class/block/vda1/dev)"));
  }

  [[nodiscard]] const std::string& status() const { return status_; }
  Console& console() { return console_; }

 private:
  const Device& device_;
  Console console_;
  std::string machine_id_;
  std::string status_;
  int soft_reboots_ = 0;
  bool reset_ = false;
};

TEST(SoftReboot, EntersTheSameRootAnUpdateAndWhatIsLeftOfThem) {
  const Device device("PARTLABEL=composefs-state", {{.name = "first"},
                                                    {.name = "second", .security_version = "2"},
                                                    {.name = "stranger", .security_version = "3"}});
  Session session(device, device.system().initramfs());
  Console& console = session.console();
  session.expect_running("first", {.etc = 1, .var = 1});
  EXPECT_EQ(console.run("systemd-analyze verify --man=no composefs-root-next.service 2>&1"), "");
  console.soft_reboot();
  session.expect_running("first", {.etc = 2, .var = 2});
  EXPECT_THAT(session.status(), HasSubstr("etc overlay (kept)"));

  session.set_slot("previous", "first");
  session.set_slot("current", "second");
  console.soft_reboot();
  session.expect_running("second", {.etc = 3, .var = 3});
  EXPECT_THAT(session.status(), AllOf(HasSubstr("etc overlay (copied)"), HasSubstr("security-version  2")));

  session.set_slot("previous", "second");
  session.set_slot("current", "stranger");
  console.soft_reboot();
  session.expect_running("second", {.etc = 4, .var = 4});
  EXPECT_THAT(session.status(),
              AllOf(HasSubstr("refused           stranger (slot current): signature-untrusted"),
                    HasSubstr("second (slot previous)")));

  // Not by putting the stranger's key over the image's, either.
  console.mount_over("/usr/lib/composefs-root/keys/device.pub",
                     read_bytes(device.system().workshop() / "stranger.pub"));
  console.end_by("systemctl soft-reboot");
  EXPECT_THAT(console.log(), AllOf(HasSubstr("composefs-root: key-malformed: "),
                                   HasSubstr("device.pub leads out of its directory or mount"),
                                   HasSubstr("reboot: Restarting system")));
  device.expect_clean();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

TEST(SoftReboot, BeginsAnewWhatIsTransientAndWhatIsReset) {
  const Device device("PARTLABEL=composefs-state",
                      {{.name = "transient", .etc = "transient", .var = "transient"},
                       {.name = "keeps-var", .etc = "transient"},
                       {.name = "keeps-etc", .var = "transient"},
                       {.name = "nameless"}});
  Session session(device, device.system().initramfs());
  Console& console = session.console();
  session.expect_running("transient", {.etc = 1, .var = 1});
  console.soft_reboot();
  session.expect_running("transient", {.etc = 1, .var = 1});

  session.set_slot("current", "keeps-var");
  console.soft_reboot();
  session.expect_running("keeps-var", {.etc = 1, .var = 1});
  console.soft_reboot();
  session.expect_running("keeps-var", {.etc = 1, .var = 2});

  if (full_run()) {
    session.set_slot("current", "keeps-etc");
    console.soft_reboot();
    session.expect_running("keeps-etc", {.etc = 1, .var = 1});
    console.soft_reboot();
    session.expect_running("keeps-etc", {.etc = 2, .var = 1});
  }

  session.ask_for_factory_reset();
  session.set_slot("previous", "keeps-var");
  session.set_slot("current", "nameless");
  console.soft_reboot();
  session.expect_running("keeps-var", {.etc = 1, .var = 1});
  EXPECT_THAT(session.status(), HasSubstr("refused           nameless (slot current): init-failed"));

  console.power_off();
  device.expect_clean();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

TEST(SoftReboot, BootsAnewWhenNoRootIsLeft) {
  if (!full_run()) {
    GTEST_SKIP()
        << "only with CFS_FULL: the others end so, too, with something mounted over the policy or keys";
  }
  const Device device("store", {{.name = "first"},
                                {.name = "second", .security_version = "2"},
                                {.name = "stranger", .security_version = "3"}});
  const BuildHost build_host(debian13, device.system().public_key(), HostSystem::policy("store"));
  Session session(device, made_initrd(build_host));
  Console& console = session.console();
  session.expect_running("first", {.etc = 1, .var = 1});
  session.set_slot("current", "second");
  console.soft_reboot();
  session.expect_running("second", {.etc = 2, .var = 2});

  session.ask_for_factory_reset();
  session.set_slot("current", "stranger");
  console.end_by("systemctl soft-reboot");
  EXPECT_THAT(console.log(), AllOf(HasSubstr("composefs-root: signature-untrusted: "),
                                   HasSubstr("reboot: Restarting system")));
  EXPECT_TRUE(device.has("composefs-state/factory-reset"));
  device.expect_clean();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

}  // namespace
}  // namespace cfs::test
