// SPDX-License-Identifier: Apache-2.0
// Boots a whole Debian to which systemd's presets were applied, from a disk and with firmware that are an
// attacker's: with its doors closed nothing of theirs comes in; opened by the policy, all of it does, which
// shows that the attacks work.
#include <gmock/gmock.h>

#include <sstream>

#include "build_host.hpp"
#include "efi_variables.hpp"
#include "exec_record.hpp"
#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr unsigned long sector = 512;

// systemd finds these by their types (the Discoverable Partitions Specification, x86-64 or any).
struct FoundPartition {
  const char* name;
  const char* type;
  const char* uuid;  // empty: any
};
constexpr auto swap_uuid = "7f1a9c5e-5a33-4b2e-9d0c-3f6f0a4f2c11";
// The partition for /var belongs to one machine, whose id the disk says: its UUID is that of the id for the
// type (sd-id128(3)).
constexpr auto machine_id = "3a1f0c5d9b7e4e62a8d40b6c2f915e73";
constexpr FoundPartition found_partitions[] = {
    {"home", "933AC7E1-2EB4-4F13-B844-0E14E2AEF915", ""},
    {"srv", "3B8F8425-20E0-4F3B-907F-1A25A76F98E8", ""},
    {"var-tmp", "7EC6F557-3BC5-4ACA-B293-16EF5DF639D1", ""},
    {"swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", ""},
    {"var", "4D21B016-B534-45C2-A9FB-5C16E091FD2D", "7f9f4a0f-bf74-412a-843f-2b9c9a4a04cb"},
};

constexpr unsigned first_with_soft_reboots = 254;

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
  // Without a /var of the state, the image's is empty, as a partition for it needs.
  explicit AttackedSystem(const std::string& doors, const Suites& suites = debian13,
                          const std::string& var = "bind")
      : suites_(suites), policy_(device_policy + test_words + doors), system_(policy_, {}, suites) {
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
    prepare_state();
    if (var == "none") {
      std::filesystem::remove_all(system_.root() / "var");
      std::filesystem::create_directory(system_.root() / "var");
    }
    (void)system_.add_image("debian", "current", var);
    system_.make_disk({"--size", "900M"});
    write_state();
    add_partitions();
    // Of no system in particular: dracut's initrd does not say what it is.
    make_efi_variables(efi_variables(),
                       {{"SystemdOptions", "systemd.setenv=FROM_EFI=1"},
                        {"HibernateLocation", std::string("{\"uuid\":\"") + swap_uuid +
                                                  "\",\"offset\":0,\"kernelVersion\":\"" +
                                                  system_.kernel().modules.filename().string() + "\"}"}});
  }

  [[nodiscard]] std::filesystem::path root() const { return system_.root(); }
  [[nodiscard]] std::filesystem::path initramfs() const { return system_.initramfs(); }
  // An initrd with systemd.
  [[nodiscard]] BuildHost build_host() const { return {suites_, system_.public_key(), policy_}; }

  [[nodiscard]] MachineOptions machine(const std::filesystem::path& initramfs) const {
    MachineOptions machine = system_.machine(initramfs);
    machine.efi_variables = efi_variables();
    machine.extra = {
        "-smbios", "type=11,value=io.systemd.credential:tmpfiles.extra=f /run/from-smbios - - - - x",
        "-fw_cfg", "name=opt/io.systemd.credentials/sysctl.extra,string=kernel.domainname=fw-cfg"};
    return machine;
  }

 private:
  [[nodiscard]] std::filesystem::path state() const { return system_.workshop() / "state"; }
  [[nodiscard]] std::string efi_variables() const { return system_.workshop() / "efi-variables"; }

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
  void prepare_state() const {
    const auto var = state() / "composefs-state/var";
    std::filesystem::create_directories(var.parent_path());
    write(var.parent_path() / "machine-id", std::string(machine_id) + '\n');
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
  }

  void write_state() const {
    const auto [start, sectors] = partition(2);
    const auto image = system_.workshop() / "state.img";
    must({"mke2fs", "-q", "-t", "ext4", "-d", state(), image, std::to_string(sectors / 2) + "k"});
    write_to_disk(image, start);
  }

  void add_partitions() const {
    constexpr auto mebibytes = "24M";
    must({"truncate", "--size=+128M", system_.disk()});
    must({"sfdisk", "--quiet", "--relocate", "gpt-bak-std", system_.disk()});
    unsigned number = 3;
    for (const FoundPartition& found : found_partitions) {
      const std::string line = std::string("size=") + mebibytes + ", type=" + found.type +
                               (*found.uuid == '\0' ? "" : std::string(", uuid=") + found.uuid);
      must({"sh", "-c", "echo '" + line + "' | sfdisk --quiet --append " + system_.disk().string()});
      const auto image = system_.workshop() / (std::string(found.name) + ".img");
      must({"truncate", std::string("--size=") + mebibytes, image});
      must(found.name == std::string("swap")
               ? std::vector<std::string>{"mkswap", "--quiet", "--uuid", swap_uuid, image}
               : std::vector<std::string>{"mke2fs", "-q", "-t", "ext4", image});
      write_to_disk(image, partition(number++).first);
    }
  }

  Suites suites_;
  std::string policy_;
  HostSystem system_;
};

// What came in, by name.
std::string find_traces(Console& console) {
  return console.run(
      "ls -1d /usr/lib/from-sysext /etc/ld.so.preload /run/from-confext /run/from-smbios "
      "/run/credentials/@system 2>/dev/null; grep -o fw-cfg /proc/sys/kernel/domainname; "
      "systemctl show-environment | grep FROM_EFI; journalctl --boot --quiet --output cat "
      "--unit systemd-hibernate-resume.service | grep -o 'Finished systemd-hibernate-resume'; "
      "tail -n +2 /proc/swaps | cut -d' ' -f1; "
      "grep -oE ' /(home|srv|usr|var/tmp) ' /proc/self/mountinfo | sort; "
      "grep ' /dev/vda7 ' /proc/self/mountinfo | cut -d' ' -f5");
}

// What a service of these properties and this command prints, and its status. Not on the console, which
// systemd would reset.
std::string run_service(Console& console, const std::string& service) {
  return console.run("systemd-run --quiet --pipe --wait --collect " + service +
                     " </dev/null >/run/printed 2>&1; echo status $? >>/run/printed; cat /run/printed");
}

void expect_closed(Console& console) {
  EXPECT_EQ(console.run("systemctl is-system-running --wait; systemctl --failed --quiet"), "running\n");
  EXPECT_EQ(find_traces(console), "");
  EXPECT_EQ(console.run("cat /sys/firmware/efi/efivars/" + efivarfs_name("SystemdOptions") +
                        " | tr -d '\\0' | grep -o FROM_EFI"),
            "FROM_EFI\n");
  EXPECT_THAT(console.run("cfs-sign status; echo status $?"),
              AllOf(HasSubstr("doors closed      system-extensions, configuration-extensions, "
                              "portable-services, machines, gpt-auto, hibernation, credentials, efi-options, "
                              "removable-devices\n"),
                    Not(HasSubstr("door open")), HasSubstr("kernel lockdown   "), HasSubstr("kexec  "),
                    HasSubstr("status 0")));
  EXPECT_THAT(console.run("cat /proc/cmdline"),
              AllOf(HasSubstr(" systemd.sysext=0 "), HasSubstr(" systemd.import_credentials=no\n")));
}

class Doors : public ::testing::TestWithParam<Suites> {
 protected:
  void SetUp() override {
    if (GetParam().name != std::string(debian13.name) && !full_run()) {
      GTEST_SKIP() << "only with CFS_FULL";
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Systems, Doors, ::testing::Values(debian12, debian13, debian_unstable),
                         [](const auto& suites) { return suites.param.name; });

TEST_P(Doors, LetNothingInWhenClosed) {
  const AttackedSystem system("", GetParam());
  Console console(system.machine(system.initramfs()));
  expect_closed(console);
  EXPECT_THAT(executed_besides_image(console, system.root()), IsEmpty());
  EXPECT_EQ(console.run("systemctl show --property LoadState systemd-sysext systemd-confext "
                        "systemd-portabled systemd-nspawn@x var-lib-machines.mount | sort -u"),
            "LoadState=masked\n");
  // The presets did ask for it.
  EXPECT_THAT(console.run("ls /etc/systemd/system/sysinit.target.wants"),
              HasSubstr("systemd-sysext.service"));

  // What must go on to work behind the copy of the command line.
  EXPECT_EQ(console.run("setpriv --reuid=65534 --clear-groups unshare -Ur --mount-proc -pf "
                        "sh -c 'echo $$'"),
            "1\n");
  const std::string visible =
      run_service(console, "-p ProtectProc=invisible -p DynamicUser=yes cat /proc/cmdline");
  EXPECT_THAT(visible, AllOf(StartsWith("console="), EndsWith("\nstatus 0\n")));
  // Older ones mount a procfs for this, and leave more of /dev.
  const bool newer = GetParam().systemd >= debian13.systemd;
  if (newer) {
    EXPECT_EQ(visible, console.run("cat /proc/cmdline") + "status 0\n");
  }
  EXPECT_EQ(
      run_service(console, "-p PrivateUsers=yes -p ProtectKernelTunables=yes -p DynamicUser=yes echo works"),
      "works\nstatus 0\n");
  // What the manual page says of such services.
  EXPECT_THAT(run_service(console, "-p PrivateDevices=yes unshare -Ur --mount-proc -pf true"),
              EndsWith(newer ? "status 1\n" : "status 0\n"));
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
  if (GetParam().systemd >= first_with_soft_reboots) {
    console.soft_reboot();
    expect_closed(console);
    EXPECT_EQ(console.run("grep -c ' /cmdline /proc/cmdline ' /proc/self/mountinfo; "
                          "grep -c ' /dev/.composefs-root/proc ' /proc/self/mountinfo"),
              "1\n1\n");
  }
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

TEST_P(Doors, LetNothingInWhenAnInitrdWithSystemdClosedThem) {
  const AttackedSystem system("", GetParam());
  const BuildHost host = system.build_host();
  // With what looks for a memory to resume.
  Console console(system.machine(made_initrd(host, "composefs-root resume")));
  expect_closed(console);
  EXPECT_THAT(executed_besides_image(console, system.root()), IsEmpty());
  if (GetParam().systemd >= first_with_soft_reboots) {
    console.mount_over("/usr/lib/composefs-root/policy.toml",
                       std::string(device_policy) + test_words + all_open);
    console.end_by("systemctl soft-reboot");
    EXPECT_THAT(console.log(), AllOf(HasSubstr("composefs-root: path-refused: "),
                                     HasSubstr("policy.toml leads out of its directory or mount"),
                                     HasSubstr("reboot: Restarting system")));
  } else {
    console.power_off();
  }
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

TEST(OpenDoors, LetAllOfItIn) {
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
            "FROM_EFI=1\n"
            "/dev/vda6\n"
            " /home \n /srv \n /usr \n /var/tmp \n");
  EXPECT_THAT(console.run("cfs-sign status 2>&1"),
              AllOf(HasSubstr("door open         gpt-auto, by the policy\n"),
                    HasSubstr("doors closed      removable-devices\n")));
  EXPECT_THAT(console.run("cat /proc/cmdline"), Not(HasSubstr("systemd.sysext=0")));
  EXPECT_THAT(executed_besides_image(console, system.root()), Contains(HasSubstr("evil.so")));
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

// An image without a /var of its own is where the partition for it counts.
TEST(OpenDoors, LetAPartitionForVarIn) {
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  for (const bool open : {false, true}) {
    const AttackedSystem system(open ? "[doors]\ngpt-auto = true\n" : "", debian13, "none");
    Console console(system.machine(system.initramfs()));
    EXPECT_EQ(console.run("cat /etc/machine-id"), std::string(machine_id) + '\n');
    const std::string traces = find_traces(console);
    if (open) {
      EXPECT_THAT(traces, EndsWith("\n/var\n"));
    } else {
      EXPECT_EQ(traces, "");
    }
    console.power_off();
    if (HasFailure()) {
      std::printf("%s\n", console.log().c_str());
    }
  }
}

TEST(OpenDoors, LetAllOfItInByAnInitrdWithSystemd) {
  if (!full_run()) {
    GTEST_SKIP() << "only with CFS_FULL";
  }
  const AttackedSystem system(all_open);
  const BuildHost host = system.build_host();
  Console console(system.machine(made_initrd(host, "composefs-root resume")));
  EXPECT_THAT(find_traces(console),
              AllOf(HasSubstr("/run/from-confext\n"), HasSubstr("/run/from-smbios\n"),
                    HasSubstr("/usr/lib/from-sysext\n"), HasSubstr("FROM_EFI=1\n"),
                    HasSubstr("Finished systemd-hibernate-resume\n"), HasSubstr("/dev/vda6\n")));
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

}  // namespace
}  // namespace cfs::test
