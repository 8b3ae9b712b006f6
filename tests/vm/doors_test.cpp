// Boots a whole Debian 13 to which systemd's presets were applied, from a disk and with firmware that are an
// attacker's: with its doors closed nothing of theirs comes in; opened by the policy, all of it does, which
// shows that the attacks work.
#include <gmock/gmock.h>

#include <sstream>

#include "build_host.hpp"
#include "exec_record.hpp"
#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr unsigned long sector = 512;

// systemd finds these by their types (the Discoverable Partitions Specification, x86-64 or any).
struct FoundPartition {
  const char* name;
  const char* type;
};
constexpr FoundPartition found_partitions[] = {
    {"home", "933AC7E1-2EB4-4F13-B844-0E14E2AEF915"},
    {"srv", "3B8F8425-20E0-4F3B-907F-1A25A76F98E8"},
    {"swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"},
};

constexpr auto device_policy =
    "image-id = \"demo\"\n"
    "store = \"PARTLABEL=composefs-store\"\n"
    "device-timeout = 120\n"
    "[state]\n"
    "device = \"PARTLABEL=composefs-state\"\n"
    "var = \"bind\"\n"
    "[failure]\n"
    "action = \"poweroff\"\n";

constexpr auto all_open =
    "[doors]\n"
    "system-extensions = true\n"
    "configuration-extensions = true\n"
    "portable-services = true\n"
    "machines = true\n"
    "gpt-auto = true\n"
    "hibernation = true\n"
    "credentials = true\n"
    "efi-options = true\n";

// What an attacker with the disk, the firmware or the machine monitor prepares for.
class AttackedSystem {
 public:
  explicit AttackedSystem(const std::string& doors)
      : policy_(device_policy + test_words + doors), system_(policy_) {
    must({"cp", "-a", (system_.configuration() / ".").string(),
          (system_.root() / "usr/lib/composefs-root").string()});
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"systemctl", "preset-all"},
                                               // There is no network that could come up.
                                               {"systemctl", "disable", "systemd-networkd-wait-online"}}) {
      const Outcome outcome = run_in(system_.root(), command);
      if (outcome.status != 0) {
        throw std::runtime_error(outcome.errors);
      }
    }
    install_exec_recorder(system_.root());
    (void)system_.add_image("debian", "current");
    system_.make_disk({"--size", "900M"});
    fill_state();
    add_partitions();
  }

  [[nodiscard]] std::filesystem::path root() const { return system_.root(); }
  [[nodiscard]] std::filesystem::path initramfs() const { return system_.initramfs(); }
  // An initrd with systemd.
  [[nodiscard]] BuildHost build_host() const { return {debian13, system_.public_key(), policy_}; }

  [[nodiscard]] MachineOptions machine(const std::filesystem::path& initramfs) const {
    MachineOptions machine = system_.machine(initramfs);
    machine.extra = {
        "-smbios", "type=11,value=io.systemd.credential:tmpfiles.extra=f /run/from-smbios - - - - x",
        "-fw_cfg", "name=opt/io.systemd.credentials/sysctl.extra,string=kernel.domainname=fw-cfg"};
    return machine;
  }

 private:
  // Writes a file system made of a file into the disk at `start`, in sectors.
  void write_to_disk(const std::filesystem::path& file, unsigned long start) const {
    must({"dd", "if=" + file.string(), "of=" + system_.disk().string(), "bs=" + std::to_string(sector),
          "seek=" + std::to_string(start), "conv=notrunc,sparse", "status=none"});
  }

  // "START SIZE" of partition `number`, in sectors.
  [[nodiscard]] std::pair<unsigned long, unsigned long> partition(unsigned number) const {
    std::istringstream text(must({"partx", "--noheadings", "--output", "START,SECTORS", "--nr",
                                  std::to_string(number), system_.disk()}));
    std::pair<unsigned long, unsigned long> range;
    text >> range.first >> range.second;
    return range;
  }

  // A state whose /var is the image's, with extensions: plain directories, which need no signature.
  void fill_state() const {
    const auto tree = system_.workshop() / "state";
    const auto var = tree / "composefs-state/var";
    std::filesystem::create_directories(tree / "composefs-state");
    must({"cp", "-a", system_.root() / "var", var});
    const auto usr = var / "lib/extensions/evil/usr";
    std::filesystem::create_directories(usr / "lib/extension-release.d");
    write(usr / "lib/extension-release.d/extension-release.evil", "ID=_any\n");
    write(usr / "lib/from-sysext", "");
    const auto etc = var / "lib/confexts/evil/etc";
    std::filesystem::create_directories(etc / "extension-release.d");
    write(etc / "extension-release.d/extension-release.evil", "ID=_any\n");
    write(etc / "ld.so.preload", "/var/lib/evil.so\n");
    const auto source = system_.workshop() / "evil.c";
    write(source,
          "#include <fcntl.h>\n"
          "__attribute__((constructor)) void run(void) { open(\"/run/from-confext\", O_CREAT | O_WRONLY, "
          "0644); }\n");
    must({"cc", "-shared", "-fPIC", "-o", var / "lib/evil.so", source});
    const auto [start, sectors] = partition(2);
    const auto image = system_.workshop() / "state.img";
    must({"mke2fs", "-q", "-t", "ext4", "-d", tree, image, std::to_string(sectors / 2) + "k"});
    write_to_disk(image, start);
  }

  void add_partitions() const {
    constexpr auto mebibytes = "24M";
    must({"truncate", "--size=+80M", system_.disk()});
    must({"sfdisk", "--quiet", "--relocate", "gpt-bak-std", system_.disk()});
    unsigned number = 3;
    for (const FoundPartition& found : found_partitions) {
      const std::string line = std::string("size=") + mebibytes + ", type=" + found.type;
      must({"sh", "-c", "echo '" + line + "' | sfdisk --quiet --append " + system_.disk().string()});
      const auto image = system_.workshop() / (std::string(found.name) + ".img");
      must({"truncate", std::string("--size=") + mebibytes, image});
      must(found.name == std::string("swap") ? std::vector<std::string>{"mkswap", "--quiet", image}
                                             : std::vector<std::string>{"mke2fs", "-q", "-t", "ext4", image});
      write_to_disk(image, partition(number++).first);
    }
  }

  std::string policy_;
  HostSystem system_;
};

// What came in, by name.
std::string find_traces(Console& console) {
  return console.run(
      "ls -1d /usr/lib/from-sysext /etc/ld.so.preload /run/from-confext /run/from-smbios "
      "/run/credentials/@system 2>/dev/null; grep -o fw-cfg /proc/sys/kernel/domainname; "
      "tail -n +2 /proc/swaps | cut -d' ' -f1; grep -oE ' /(home|srv|usr) ' /proc/self/mountinfo | sort");
}

void expect_closed(Console& console) {
  EXPECT_EQ(console.run("systemctl is-system-running --wait; systemctl --failed --quiet"), "running\n");
  EXPECT_EQ(find_traces(console), "");
  EXPECT_THAT(console.run("cfs-sign status; echo status $?"),
              AllOf(HasSubstr("doors closed      system-extensions, configuration-extensions, "
                              "portable-services, machines, gpt-auto, hibernation, credentials, efi-options, "
                              "removable-devices\n"),
                    Not(HasSubstr("door open")), HasSubstr("kernel lockdown   "), HasSubstr("kexec  "),
                    HasSubstr("status 0")));
  EXPECT_THAT(console.run("cat /proc/cmdline"),
              AllOf(HasSubstr(" systemd.sysext=0 "), HasSubstr(" systemd.import_credentials=no\n")));
}

TEST(Doors, LetNothingInWhenClosed) {
  const AttackedSystem system("");
  Console console(system.machine(system.initramfs()));
  expect_closed(console);
  EXPECT_THAT(executed_besides_image(console, system.root()), IsEmpty());
  EXPECT_EQ(console.run("systemctl show --property LoadState systemd-sysext systemd-confext "
                        "systemd-portabled systemd-nspawn@x var-lib-machines.mount | sort -u"),
            "LoadState=masked\n");
  // The presets did ask for it.
  EXPECT_THAT(console.run("ls /etc/systemd/system/sysinit.target.wants"),
              AllOf(HasSubstr("systemd-sysext.service"), HasSubstr("systemd-confext.service")));

  // What must go on to work behind the copy of the command line.
  EXPECT_EQ(console.run("setpriv --reuid=65534 --clear-groups unshare -Ur --mount-proc -pf "
                        "sh -c 'echo $$'"),
            "1\n");
  EXPECT_EQ(console.run("systemd-run --quiet --pipe --wait -p ProtectProc=invisible -p DynamicUser=yes "
                        "cat /proc/cmdline"),
            console.run("cat /proc/cmdline"));
  EXPECT_EQ(console.run("systemd-run --quiet --pipe --wait -p PrivateUsers=yes -p ProtectKernelTunables=yes "
                        "-p DynamicUser=yes echo works 2>&1"),
            "works\n");
  EXPECT_THAT(
      console.run(
          "systemd-run --quiet --pipe --wait --collect -p PrivateDevices=yes unshare -Ur --mount-proc "
          "-pf true 2>&1; echo status $?"),
      HasSubstr("status 1"));  // what the manual page says of such services
  EXPECT_EQ(console.run("systemctl daemon-reexec; grep -c systemd.sysext=0 /proc/cmdline"), "1\n");

  // Root can open doors; that is seen, and lasts until the next root is entered.
  EXPECT_EQ(console.run("rm /run/systemd/system.control/systemd-sysext.service; "
                        "rm /run/systemd/system-generators/*; umount /proc/cmdline; "
                        "mkdir -p /run/systemd/system.control/systemd-confext.service.d; echo done"),
            "done\n");
  EXPECT_THAT(console.run("cfs-sign status 2>&1; echo status $?"),
              AllOf(HasSubstr("door open         system-extensions, changed since the boot: "
                              "/run/systemd/system.control/systemd-sysext.service is no mask\n"),
                    HasSubstr("door open         gpt-auto, changed since the boot: "),
                    HasSubstr("door open         credentials, changed since the boot: /proc/cmdline has no "
                              "systemd.import_credentials=no\n"),
                    HasSubstr("cfs-sign: door-open: "), HasSubstr("status 1")));
  console.soft_reboot();
  expect_closed(console);
  EXPECT_EQ(console.run("grep -c ' /cmdline /proc/cmdline ' /proc/self/mountinfo; "
                        "grep -c ' /dev/.composefs-root/proc ' /proc/self/mountinfo"),
            "1\n1\n");
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

TEST(Doors, LetNothingInWhenAnInitrdWithSystemdClosedThem) {
  const AttackedSystem system("");
  const BuildHost host = system.build_host();
  Console console(system.machine(made_initrd(host)));
  expect_closed(console);
  EXPECT_THAT(executed_besides_image(console, system.root()), IsEmpty());
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

TEST(Doors, LetAllOfItInWhenThePolicySaysSo) {
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  const AttackedSystem system(all_open);
  Console console(system.machine(system.initramfs()));
  EXPECT_EQ(find_traces(console),
            "/etc/ld.so.preload\n"
            "/run/credentials/@system\n"
            "/run/from-confext\n"
            "/run/from-smbios\n"
            "/usr/lib/from-sysext\n"
            "fw-cfg\n"
            "/dev/vda5\n"
            " /home \n /srv \n /usr \n");
  EXPECT_THAT(console.run("cfs-sign status 2>&1"),
              AllOf(HasSubstr("door open         gpt-auto, by the policy\n"),
                    HasSubstr("doors closed      removable-devices\n")));
  EXPECT_THAT(console.run("cat /proc/cmdline"), HasSubstr("quiet\n"));
  EXPECT_THAT(executed_besides_image(console, system.root()), Contains(HasSubstr("evil.so")));
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

}  // namespace
}  // namespace cfs::test
