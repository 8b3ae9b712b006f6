// Boots a whole Debian 13 root, made by qemu/debian-root, to multi-user.target, logs in on its console and
// looks around, as its user would.
#include <gmock/gmock.h>

#include "qemu/machine.hpp"
#include "small_machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto boot_timeout = std::chrono::seconds(240);
constexpr auto command_timeout = std::chrono::seconds(60);

// A shell on the console of a machine.
class Console {
 public:
  explicit Console(const MachineOptions& options) : machine_(*Machine::start(options)) {
    expect("login: ", boot_timeout);
    type("root\n");
    expect("# ", command_timeout);
    type("stty -echo; PS1=\n");
    (void)run("true");
  }

  // What a command prints.
  std::string run(const std::string& command) {
    type(command + "; echo end-$((6 * 7))\n");
    std::string output = expect("end-42\n", command_timeout);
    output.erase(output.rfind("end-42"));
    output.erase(0, output.find_first_not_of('\n'));  // of the line that was typed
    return output;
  }

  void power_off() {
    type("systemctl poweroff\n");
    const auto ended = machine_.wait_exit(boot_timeout);
    EXPECT_TRUE(ended) << ended.error().line();
  }

  [[nodiscard]] const std::string& log() const { return machine_.log(); }

 private:
  std::string expect(std::string_view marker, Machine::Timeout timeout) {
    auto text = machine_.wait_for(marker, timeout);
    if (!text) {
      throw std::runtime_error(text.error().line() + "\n" + machine_.log());
    }
    return *text;
  }
  void type(const std::string& text) { EXPECT_TRUE(machine_.send(text)); }

  Machine machine_;
};

class Debian : public ::testing::TestWithParam<const char*> {};

TEST_P(Debian, BootsToMultiUserFromAVerifiedRoot) {
  const std::string suite = GetParam();
  const Workshop workshop;
  const std::filesystem::path root = must({CFS_SOURCE "/qemu/debian-root", "trixie"});
  cfs_sign({"keygen", workshop / "device"});
  std::filesystem::create_directory(workshop / "keys");
  std::filesystem::copy_file(workshop / "device.pub", workshop / "keys/device.pub");
  const auto store = workshop / "store";
  const std::string digest =
      add_image(store, root, "debian", workshop / "device.key", {"--etc", "transient"});
  cfs_sign({"slot", "--store", store, "current", "debian"});
  cfs_sign({"disk", "--store", store, "-o", workshop / "disk.img"});
  std::filesystem::remove_all(store);
  write(workshop / "policy.toml",
        "image-id = \"demo\"\n"
        "store = \"PARTLABEL=composefs-store\"\n"
        "[state]\n"
        "device = \"PARTLABEL=composefs-state\"\n"
        "[failure]\n"
        "action = \"poweroff\"\n");
  const KernelFiles kernel = debian_kernel(suite);
  cfs_sign({"initramfs", "--policy", workshop / "policy.toml", "--keys", workshop / "keys", "--modules",
            kernel.modules, "--program", CFS_PROGRAMS "/initrd/composefs-root", "--module", "virtio_blk",
            "--module", "virtio_pci", "-o", workshop / "initramfs.img"});

  MachineOptions options;
  options.kernel = kernel.image;
  options.initrd = workshop / "initramfs.img";
  options.cmdline = "console=" + serial_console() + " panic=-1 systemd.firstboot=off";
  options.disks.push_back({.file = workshop / "disk.img"});
  Console console(options);

  EXPECT_EQ(console.run("systemctl is-active multi-user.target"), "active\n");
  EXPECT_EQ(console.run("systemctl --failed --plain --no-legend"), "");
  EXPECT_THAT(console.run("findmnt --raw --noheadings --output FSTYPE,SOURCE,OPTIONS /"),
              AllOf(HasSubstr("overlay"), HasSubstr("composefs-root"), HasSubstr("ro,"),
                    HasSubstr("verity=require")));
  EXPECT_THAT(console.run("cat /run/composefs-root/boot.json"), HasSubstr(digest));
  EXPECT_THAT(console.run("touch /usr/new 2>&1"), HasSubstr("Read-only file system"));
  EXPECT_EQ(console.run("touch /etc/new /var/new 2>&1"), "");
  EXPECT_THAT(console.run("findmnt --raw --noheadings --output TARGET,FSTYPE,OPTIONS /var"),
              AllOf(HasSubstr("ext4"), HasSubstr("nosuid,nodev")));
  // The store's file system and the image are pinned by the root, and in nobody's view.
  EXPECT_THAT(console.run("cat /proc/1/mountinfo"),
              AllOf(Not(HasSubstr("erofs")), Not(HasSubstr("composefs-store"))));
  EXPECT_EQ(console.run("find / -xdev -path '*composefs*objects*' -print -quit"), "");
  // Contents as in the tree that was composed.
  const std::string sums =
      "find usr/bin usr/lib/systemd -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum";
  EXPECT_EQ(console.run("cd / && " + sums), must({"sh", "-c", "cd " + root.string() + " && " + sums}) + "\n");
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Debian, ::testing::Values("trixie", "sid"));

}  // namespace
}  // namespace cfs::test
