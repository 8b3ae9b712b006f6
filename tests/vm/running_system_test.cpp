// Boots a whole Debian 13 with the host's part of this project installed, twice, and looks at what a running
// system can notice: the state that it keeps, what it says of itself, and how it shuts down.
#include <gmock/gmock.h>

#include "login_console.hpp"
#include "small_machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct State {
  const char* name;
  std::string device;
  std::string var;
};
void PrintTo(const State& state, std::ostream* stream) {
  *stream << state.name;
}

// A disk with that system, and an initramfs for it.
class System {
 public:
  explicit System(const State& state) {
    must({"cp", "-a",
          must({CFS_SOURCE "/qemu/debian-root", "trixie", "libarchive13t64", "libcom-err2", "libext2fs2t64",
                "libfdisk1", "libfsverity0"}),
          root()});
    install("host", root());
    cfs_sign({"keygen", workshop_ / "device"});
    std::filesystem::create_directory(workshop_ / "keys");
    std::filesystem::copy_file(workshop_ / "device.pub", workshop_ / "keys/device.pub");
    const auto store = workshop_ / "store";
    digest_ = add_image(store, root(), "debian", workshop_ / "device.key",
                        {"--etc", "overlay", "--var", state.var});
    cfs_sign({"slot", "--store", store, "current", "debian"});
    cfs_sign({"disk", "--store", store, "--size", "800M", "-o", disk()});
    write(workshop_ / "policy.toml",
          "image-id = \"demo\"\n"
          "store = \"PARTLABEL=composefs-store\"\n"
          "device-timeout = 120\n"
          "[state]\n"
          "etc = \"overlay\"\n"
          "device = \"" +
              state.device +
              "\"\n"
              "[failure]\n"
              "action = \"poweroff\"\n");
    const KernelFiles kernel = debian_kernel("trixie");
    cfs_sign({"initramfs", "--policy", workshop_ / "policy.toml", "--keys", workshop_ / "keys", "--modules",
              kernel.modules, "--program", CFS_PROGRAMS "/initrd/composefs-root", "--module", "virtio_blk",
              "--module", "virtio_pci", "-o", workshop_ / "initramfs.img"});
    options_.kernel = kernel.image;
    options_.initrd = workshop_ / "initramfs.img";
    options_.cmdline = "console=" + serial_console() + " panic=-1 systemd.firstboot=off quiet";
    options_.disks.push_back({.file = disk(), .writes = MachineDisk::Writes::kept});
  }

  [[nodiscard]] const MachineOptions& options() const { return options_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }

 private:
  [[nodiscard]] std::filesystem::path root() const { return workshop_ / "root"; }
  [[nodiscard]] std::filesystem::path disk() const { return workshop_ / "disk.img"; }

  Workshop workshop_;
  std::string digest_;
  MachineOptions options_;
};

class RunningSystem : public ::testing::TestWithParam<State> {};

// The state's journal would be replayed if the machine had gone off without the file system being unmounted,
// or made read-only: where nothing shows it, by the hook.
TEST_P(RunningSystem, KeepsItsStateAndShutsDownCleanly) {
  const System system(GetParam());
  std::string id;
  for (int boots = 1; boots <= 2; ++boots) {
    Console console(system.options());
    EXPECT_EQ(console.run("systemctl is-system-running --wait"), "running\n");
    EXPECT_EQ(console.run("dmesg | grep 'recovery complete'"), "");
    EXPECT_EQ(console.run("echo x >>/etc/kept; wc -l </etc/kept"), std::to_string(boots) + '\n');
    const std::string this_id = console.run("cat /etc/machine-id");
    EXPECT_TRUE(id.empty() || id == this_id) << id << this_id;
    id = this_id;

    EXPECT_THAT(console.run("cfs-sign status; echo status $?"),
                AllOf(HasSubstr("mounted as recorded"), HasSubstr("status 0")));
    EXPECT_THAT(console.run("journalctl --no-pager -o verbose MESSAGE_ID=4ffbfa6affea4231a614e0b83eb5fae0"),
                AllOf(HasSubstr("COMPOSEFS_DIGEST=" + system.digest()), HasSubstr("COMPOSEFS_SIGNER=")));
    EXPECT_EQ(console.run("readlink /run/systemd/volatile-root"),
              console.run("echo /dev/block/$(cat /sys/class/block/vda1/dev)"));
    EXPECT_EQ(console.run("systemd-analyze verify --man=no composefs-root-report.service 2>&1"), "");
    console.power_off();
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
