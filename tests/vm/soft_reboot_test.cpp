// Boots a whole Debian 13 and has it start anew by systemctl soft-reboot: into the image that runs, into an
// update, and when the update is not one that the device accepts.
#include <gmock/gmock.h>

#include <sstream>

#include "build_host.hpp"
#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A system whose store holds an update, and one that a stranger signed.
class Device {
 public:
  explicit Device(const std::string& state_device) : system_(HostSystem::policy(state_device)) {
    must({"cp", "-a", (system_.configuration() / ".").string(),
          (system_.root() / "usr/lib/composefs-root").string()});
    digest_ = add("first", "1", system_.key());
    cfs_sign({"slot", "--store", system_.store(), "current", "first"});
    update_digest_ = add("second", "2", system_.key());
    cfs_sign({"keygen", system_.workshop() / "stranger"});
    (void)add("stranger", "3", system_.workshop() / "stranger.key");
    system_.make_disk({"--size", "900M"});
  }

  [[nodiscard]] const HostSystem& system() const { return system_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }
  [[nodiscard]] const std::string& update_digest() const { return update_digest_; }

  // Whether no file system on the disk has a journal to replay, or anything else to mend.
  void expect_clean() const {
    std::istringstream starts(must({"partx", "--noheadings", "--output", "START", system_.disk()}));
    for (unsigned long start = 0; starts >> start;) {
      const std::string file_system = system_.disk().string() + "?offset=" + std::to_string(start * 512);
      EXPECT_EQ(must({"dumpe2fs", "-h", file_system}).find("needs_recovery"), std::string::npos) << start;
      const Outcome checked = run({"e2fsck", "-fn", file_system});
      EXPECT_EQ(checked.status, 0) << checked.output << checked.errors;
    }
  }

 private:
  [[nodiscard]] std::string add(const std::string& name, const std::string& security_version,
                                const std::filesystem::path& key) const {
    write(system_.root() / "usr/lib/generation", name);
    return test::add_image(system_.store(), system_.root(), name, key,
                           {"--etc", "overlay", "--var", "bind", "--security-version", security_version});
  }

  HostSystem system_;
  std::string digest_;
  std::string update_digest_;
};

// What its administrator does and sees.
class Session {
 public:
  Session(const Device& device, const std::filesystem::path& initrd)
      : console_(device.system().machine(initrd)) {
    machine_id_ = console_.run("cat /etc/machine-id");
    expect_running("first", device.digest());
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

  // What runs and what of the state is there, in which everything was written to once at each start.
  void expect_running(const std::string& generation, const std::string& digest) {
    const std::string starts = std::to_string(++starts_) + '\n';
    EXPECT_EQ(console_.run("systemctl is-system-running --wait; systemctl --failed --quiet"), "running\n");
    EXPECT_EQ(console_.run("cat /usr/lib/generation"), generation);
    EXPECT_EQ(console_.run("systemctl show --value --property SoftRebootsCount"),
              std::to_string(starts_ - 1) + '\n');
    EXPECT_EQ(console_.run("cat /etc/machine-id"), machine_id_);
    EXPECT_EQ(console_.run("echo x >>/etc/kept; wc -l </etc/kept"), starts);
    EXPECT_EQ(console_.run("echo x >>/var/kept; wc -l </var/kept"), starts);
    status_ = console_.run("cfs-sign status; echo status $?");
    EXPECT_THAT(status_, AllOf(HasSubstr(digest), HasSubstr("mounted as recorded"), HasSubstr("status 0")));
    EXPECT_EQ(console_.run("cfs-sign boot-chart 2>&1 >/dev/null; echo status $?"), "status 0\n");
    EXPECT_EQ(console_.run("grep -c -e ' /run/nextroot' -e ' /mnt' /proc/self/mountinfo"), "0\n");
    EXPECT_EQ(console_.run("dmesg | grep -e 'in-use as upperdir' -e 'recovery complete'"), "");
    EXPECT_EQ(console_.run("readlink /run/systemd/volatile-root"),
              console_.run("echo /dev/block/$(cat /sys/class/block/vda1/dev)"));
  }

  [[nodiscard]] const std::string& status() const { return status_; }
  Console& console() { return console_; }

 private:
  Console console_;
  std::string machine_id_;
  std::string status_;
  int starts_ = 0;
};

TEST(SoftReboot, EntersTheSameRootAnUpdateAndWhatIsLeftOfThem) {
  const Device device("PARTLABEL=composefs-state");
  Session session(device, device.system().initramfs());
  Console& console = session.console();
  EXPECT_EQ(console.run("systemd-analyze verify --man=no composefs-root-next.service 2>&1"), "");
  console.soft_reboot();
  session.expect_running("first", device.digest());
  EXPECT_THAT(session.status(), HasSubstr("etc overlay (kept)"));

  session.set_slot("previous", "first");
  session.set_slot("current", "second");
  console.soft_reboot();
  session.expect_running("second", device.update_digest());
  EXPECT_THAT(session.status(), AllOf(HasSubstr("etc overlay (copied)"), HasSubstr("security-version  2")));

  session.set_slot("previous", "second");
  session.set_slot("current", "stranger");
  console.soft_reboot();
  session.expect_running("second", device.update_digest());
  EXPECT_THAT(session.status(),
              AllOf(HasSubstr("refused           stranger (slot current): signature-untrusted"),
                    HasSubstr("second (slot previous)")));

  console.power_off();
  device.expect_clean();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

TEST(SoftReboot, BootsAnewWhenNoRootIsLeft) {
  const Device device("store");
  const BuildHost build_host(debian13, device.system().public_key(), HostSystem::policy("store"));
  Session session(device, made_initrd(build_host));
  Console& console = session.console();
  session.set_slot("current", "second");
  console.soft_reboot();
  session.expect_running("second", device.update_digest());

  session.set_slot("current", "stranger");
  console.end_by("systemctl soft-reboot");
  EXPECT_THAT(console.log(), AllOf(HasSubstr("composefs-root: signature-untrusted: "),
                                   HasSubstr("reboot: Restarting system")));
  device.expect_clean();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

}  // namespace
}  // namespace cfs::test
