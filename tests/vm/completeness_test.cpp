// SPDX-License-Identifier: Apache-2.0
// What is missing from an image, or is not what it says: seen before the image is accepted where the manifest
// calls the place complete, and afterwards by a check in the running system.
#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr auto check_program = "usr/lib/composefs-root/composefs-root";

// The root of the image "whole", which is the small root with the program that checks.
const std::filesystem::path& whole_root() {
  static const std::filesystem::path root = [] {
    const auto& workshop = small_machine().workshop();
    auto made = workshop / "whole-root";
    must({"cp", "-a", workshop / "root", made});
    std::filesystem::create_directories((made / check_program).parent_path());
    std::filesystem::copy_file(initrd_program, made / check_program);
    return made;
  }();
  return root;
}

std::string object_of(const std::string& file) {
  return object_path(verity_digest(whole_root() / file));
}

// A store whose slot current holds "whole", and previous "second".
std::filesystem::path disk(const std::string& name) {
  const auto& machine = small_machine();
  return machine.store_disk(name, [&](const std::filesystem::path& store) {
    add_image(store, whole_root(), "whole", machine.workshop() / "device.key",
              {"--var", "transient", "--complete", "/etc", "--complete", "/data/other"});
    cfs_sign({"slot", "--store", store, "current", "whole"});
    cfs_sign({"slot", "--store", store, "previous", "second"});
  });
}

struct Damage {
  const char* name;
  std::function<void(const StoreFileSystem&)> make;
  const char* code;
  const char* reason;  // the beginning of it
};
void PrintTo(const Damage& damage, std::ostream* stream) {
  *stream << damage.name;
}

class Incomplete : public ::testing::TestWithParam<Damage> {};

TEST_P(Incomplete, FallsBackToPreviousAndSaysWhy) {
  const Damage& damage = GetParam();
  const auto store = disk(damage.name);
  damage.make(StoreFileSystem(store));
  const auto log = boot({.disks = {store}});
  ASSERT_THAT(log, Started());
  EXPECT_EQ(said(log, "etc-release"), "second\n");
  EXPECT_THAT(said(log, "report"), AllOf(HasSubstr("\"slot\": \"previous\""),
                                         HasSubstr("\"code\": \"" + std::string(damage.code) + "\""),
                                         HasSubstr("\"reason\": \"" + std::string(damage.reason))));
}

INSTANTIATE_TEST_SUITE_P(
    Objects, Incomplete,
    ::testing::Values(
        Damage{"Missing",
               [](const StoreFileSystem& store) { store.edit("unlink " + object_of("etc/large")); },
               "object-missing", "/etc/large: "},
        Damage{"Another",
               [](const StoreFileSystem& store) {
                 store.replace_by(object_of("data/other"), object_of("data/third"));
               },
               "digest-mismatch", "/data/other: "},
        Damage{"WithoutVerity",
               [](const StoreFileSystem& store) { store.clear_verity(object_of("etc/large")); },
               "verity-missing", "/etc/large: "},
        Damage{"ThatIsALink",
               [](const StoreFileSystem& store) {
                 store.replace_by_link(object_of("etc/large"), "../" + object_of("data/third").substr(18));
               },
               "path-refused", "/etc/large: "},
        Damage{"WithOneBitFlipped",
               [](const StoreFileSystem& store) { store.flip_bit(object_of("etc/large"), 4500); },
               "object-damaged", "/etc/large: "}),
    [](const auto& damage) { return damage.param.name; });

// cfs-sign makes no such manifest.
TEST(Incomplete, FallsBackFromAPlaceThatTheImageDoesNotHave) {
  const auto& machine = small_machine();
  const auto store = machine.store_disk("nowhere", [&](const std::filesystem::path& directory) {
    const auto path = directory / "manifests/first.toml";
    std::string text = read_bytes(path);
    text.insert(text.find("init = "), "complete = [\"/etc\", \"/nowhere\"]\n");
    write(path, text);
    cfs_sign({"sign", "--key", machine.workshop() / "device.key", path});
    cfs_sign({"slot", "--store", directory, "previous", "second"});
  });
  const auto log = boot({.disks = {store}});
  ASSERT_THAT(log, Started());
  EXPECT_EQ(said(log, "etc-release"), "second\n");
  EXPECT_THAT(said(log, "report"), AllOf(HasSubstr("\"code\": \"manifest-malformed\""),
                                         HasSubstr("boot.complete names /nowhere")));
}

TEST(Complete, IsNoMoreThanTheManifestSays) {
  const auto store = disk("outside");
  StoreFileSystem(store).edit("unlink " + object_of("data/large"));
  const auto initramfs =
      small_machine().initramfs("corruption", std::string(SmallMachine::policy_without_words) +
                                                  "corruption = \"reboot\"\n" + test_words);
  const auto log = boot({.disks = {store}, .initramfs = initramfs});
  ASSERT_THAT(log, Started());
  EXPECT_EQ(said(log, "etc-release"), "first\n");
  EXPECT_THAT(said(log, "report"), HasSubstr("\"refused\": []"));
  EXPECT_EQ(said(log, "check-objects"), "1\n");
  EXPECT_THAT(said(log, "object-check"), StartsWith("object-missing: /data/large: "));
  EXPECT_THAT(log, AllOf(Says("composefs-root: object-missing: /data/large: "),
                         Says("composefs-root: the image is damaged: reboot")));
}

TEST(Complete, IsWhatACheckOfTheRunningSystemFinds) {
  const auto log = boot({.disks = {disk("sound")}});
  ASSERT_THAT(log, Started());
  EXPECT_EQ(said(log, "etc-release"), "first\n");
  EXPECT_EQ(said(log, "check-objects"), "0\n");
  EXPECT_THAT(said(log, "object-check"), HasSubstr(" files can be read"));
}

// A whole Debian from whose store the object of one unit is gone: systemd takes the unit for one that is not
// there.
class CheckService : public ::testing::Test {
 protected:
  explicit CheckService() {
    const auto units = system_.root() / "usr/lib/systemd/system";
    write(units / "protection.service",
          "[Unit]\nDescription=What an attacker does not want to run\n"
          "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n");
    std::filesystem::create_symlink("../protection.service",
                                    units / "multi-user.target.wants/protection.service");
    std::filesystem::create_directories(units / "composefs-root-check.timer.d");
    write(units / "composefs-root-check.timer.d/10-soon.conf", "[Timer]\nOnActiveSec=\nOnActiveSec=1s\n");
    add_image(system_.store(), system_.root(), "debian", system_.key(),
              {"--var", "transient", "--complete", "none"});
    cfs_sign({"slot", "--store", system_.store(), "current", "debian"});
    const std::string object = object_path(verity_digest(units / "protection.service"));
    std::filesystem::remove(system_.store() / object.substr(std::string("composefs/").size()));
    system_.make_disk({"--state-size", "0"});
  }

  [[nodiscard]] MachineOptions machine() const { return system_.machine(system_.initramfs()); }

 private:
  HostSystem system_{"image-id = \"demo\"\nstore = \"PARTLABEL=composefs-store\"\ndevice-timeout = 120\n" +
                     test_words + "[failure]\naction = \"poweroff\"\n"};
};

TEST_F(CheckService, FailsAndRebootsWhereThePolicyWantsThat) {
  Console console(machine());
  // The service is absent, and nothing else says so.
  EXPECT_THAT(console.run("systemctl is-active protection.service"), HasSubstr("inactive"));
  for (int i = 0; i < 100 && console.run("systemctl is-failed composefs-root-check.service") != "failed\n";
       ++i) {
    (void)console.run("sleep 3");
  }
  EXPECT_EQ(console.run("systemctl is-system-running"), "degraded\n");
  EXPECT_THAT(console.run("systemctl --failed --plain --no-legend"),
              AllOf(HasSubstr("composefs-root-check.service"), Not(HasSubstr("\n."))));
  constexpr auto found = "composefs-root: object-missing: /usr/lib/systemd/system/protection.service: ";
  EXPECT_THAT(console.run("journalctl --no-pager --output cat --unit composefs-root-check.service"),
              HasSubstr(found));
  EXPECT_THAT(console.run("dmesg"), HasSubstr(found));
  // As if the policy had said so at the boot, which Complete shows.
  console.end_by(
      "dmesg --console-on; printf reboot >/run/composefs-root/corruption-action; "
      "systemctl restart composefs-root-check.service");
  EXPECT_THAT(console.log(), AllOf(HasSubstr("composefs-root: the image is damaged: reboot"),
                                   HasSubstr("reboot: Restarting system")));
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

}  // namespace
}  // namespace cfs::test
