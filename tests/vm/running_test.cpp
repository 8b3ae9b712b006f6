// SPDX-License-Identifier: Apache-2.0
// Boots the small root (guest.cpp) and looks at the running machine: what is attached, what is detected while
// it runs, what it falls back to, and what persists.
#include <sys/xattr.h>

#include <regex>

#include "small_machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Not;

class Running : public ::testing::TestWithParam<const char*> {};

TEST_P(Running, ComposesWithEveryKernelThatCan) {
  const std::string suite = GetParam();
  const auto& machine = small_machine();
  const auto log = boot({.disks = {machine.copy_of_store_disk("running")},
                         .initramfs = machine.initramfs("running-" + suite, SmallMachine::policy, suite),
                         .kernel_suite = suite});
  ASSERT_THAT(log, Started());
  const auto mounts = said(log, "mount");
  EXPECT_THAT(mounts,
              AllOf(HasSubstr(" / / ro"), HasSubstr("overlay composefs-root"), HasSubstr("verity=require")));
  // The store and the image are pinned by the overlay, and seen nowhere.
  EXPECT_THAT(mounts, AllOf(Not(HasSubstr("/dev/vd")), Not(HasSubstr("erofs")), Not(HasSubstr("ext4"))));
  EXPECT_THAT(said(log, "write /usr/new"), HasSubstr("EROFS"));
  EXPECT_THAT(said(log, "write /data/new"), HasSubstr("EROFS"));
  EXPECT_EQ(said(log, "write /etc/new"), "ok\n");
  EXPECT_EQ(said(log, "write /var/new"), "ok\n");
  // Doors are closed, and the copy of the command line that says so keeps no user from a procfs.
  EXPECT_THAT(mounts, AllOf(HasSubstr(" /cmdline /proc/cmdline rw,nosuid,nodev,noexec"),
                            HasSubstr(" /dev/.composefs-root/proc rw,nosuid,nodev,noexec"),
                            Not(HasSubstr(" /dev/.composefs-root/cmdline"))));
  EXPECT_THAT(said(log, "cmdline"), HasSubstr(" panic=-1 systemd.sysext=0 "));
  EXPECT_EQ(said(log, "write /proc/cmdline"), "EROFS\n");
  EXPECT_EQ(said(log, "procfs of a user"), "ok\n");
  EXPECT_THAT(said(log, "link"),
              AllOf(HasSubstr("/run/systemd/system.control/systemd-sysext.service /dev/null\n"),
                    HasSubstr("/run/systemd/system-generators/systemd-gpt-auto-generator /dev/null\n")));
  EXPECT_EQ(said(log, "etc-release"), "first\n");
  EXPECT_THAT(said(log, "read /data/large"), HasSubstr("3000000 bytes"));
  const auto report = said(log, "report");
  EXPECT_THAT(report, AllOf(HasSubstr(machine.digest()), HasSubstr("\"slot\": \"current\""),
                            HasSubstr("\"refused\": []"), HasSubstr("\"etc\": \"transient\""),
                            HasSubstr(must({"sha256sum", machine.workshop() / "device.pub"}).substr(0, 64))));
  std::printf("%s: %s", suite.c_str(), report.c_str());
}

INSTANTIATE_TEST_SUITE_P(Kernels, Running, ::testing::Values("trixie", "bookworm-backports", "sid"));

// With the copy of the command line, which the same device takes.
TEST(Running, ExecutesAnotherKernel) {
  const auto& machine = small_machine();
  const auto initramfs = machine.initramfs("kexec", SmallMachine::policy);
  const auto files = machine.workshop() / "kexec";
  std::filesystem::create_directories(files);
  std::filesystem::copy_file(debian_kernel(SmallMachine::suite).image, files / "kernel");
  std::filesystem::copy_file(initramfs, files / "initrd");
  const auto disk = machine.workshop() / "kexec.disk";
  must({"mke2fs", "-q", "-t", "ext4", "-d", files, disk, "128M"});
  const auto log = boot({.disks = {machine.copy_of_store_disk("kexec.store"), disk}, .initramfs = initramfs});
  ASSERT_THAT(log, Started());
  ASSERT_EQ(said(log, "kexec"), "ok\n");
  EXPECT_EQ(said(log, "etc-release"), "first\nfirst\n");
  const std::string lines = said(log, "cmdline");
  const std::string first = lines.substr(0, lines.find('\n') + 1);
  EXPECT_THAT(first, HasSubstr(" systemd.sysext=0 "));
  EXPECT_EQ(lines, first + first);
}

TEST(Running, GivesInitNothingFromAnUntrustedCommandLine) {
  const auto& machine = small_machine();
  // A policy that lets such words pass; the kernel would hand them to init.
  const auto initramfs = machine.initramfs(
      "environment", std::string(SmallMachine::policy_without_words) +
                         "[cmdline]\nallow = [\"EVIL_PRELOAD\", \"evil\", \"--\", \"--evil\"]\n");
  const auto log = boot({.disks = {machine.copy_of_store_disk("environment")},
                         .initramfs = initramfs,
                         .cmdline = "EVIL_PRELOAD=/var/evil.so evil=1 -- --evil"});
  ASSERT_THAT(log, Started());
  EXPECT_EQ(said(log, "argument"), "/sbin/init\n");
  EXPECT_THAT(said(log, "environment"), AllOf(HasSubstr("HOME="), HasSubstr("SYSTEMD_EFI_OPTIONS=\n"),
                                              Not(HasSubstr("evil")), Not(HasSubstr("EVIL"))));
}

TEST(Running, ReadsOfADamagedObjectFailAndOthersDoNot) {
  const auto& machine = small_machine();
  const auto disk = machine.copy_of_store_disk("damaged-object");
  StoreFileSystem(disk).flip_bit(object_path(verity_digest(machine.workshop() / "root/data/large")), 1500000);
  const auto log = boot({.disks = {disk}});
  ASSERT_THAT(log, Started());
  EXPECT_THAT(said(log, "read /data/large"), HasSubstr("EIO"));
  EXPECT_THAT(said(log, "read /data/other"), HasSubstr("200000 bytes"));
}

TEST(Running, RefusesAnObjectReplacedByAnotherValidOne) {
  const auto& machine = small_machine();
  const auto disk = machine.copy_of_store_disk("replaced-object");
  const auto object = [&](const char* file) {
    return object_path(verity_digest(machine.workshop() / "root/data" / file));
  };
  StoreFileSystem(disk).replace_by(object("other"), object("third"));
  const auto log = boot({.disks = {disk}});
  ASSERT_THAT(log, Started());
  EXPECT_THAT(said(log, "read /data/other"), HasSubstr("EIO"));
  EXPECT_THAT(said(log, "read /data/third"), HasSubstr("200000 bytes"));
}

TEST(Running, FallsBackToPreviousAndSaysWhy) {
  const auto& machine = small_machine();
  const auto disk = machine.store_disk("fallback", [](const std::filesystem::path& store) {
    cfs_sign({"slot", "--store", store, "previous", "second"});
  });
  StoreFileSystem(disk).flip_bit("composefs/manifests/first.toml", 30);
  const auto log = boot({.disks = {disk}});
  ASSERT_THAT(log, Started());
  EXPECT_EQ(said(log, "etc-release"), "second\n");
  EXPECT_THAT(said(log, "report"),
              AllOf(HasSubstr("\"slot\": \"previous\""), HasSubstr("\"code\": \"signature-untrusted\""),
                    HasSubstr(machine.other_digest())));
}

TEST(Running, BootsTheImageThatTheCommandLinePrefers) {
  const auto& machine = small_machine();
  const auto disk = machine.copy_of_store_disk("preferred");
  const auto log = boot({.disks = {disk}, .cmdline = "composefs.image=second"});
  ASSERT_THAT(log, Started());
  EXPECT_EQ(said(log, "etc-release"), "second\n");
}

TEST(Running, BootsAnImageOfSha512) {
  const auto& machine = small_machine();
  const auto& workshop = machine.workshop();
  std::string digest;
  const auto disk = machine.store_disk("sha512", [&](const std::filesystem::path& store) {
    digest = add_image(store, workshop / "root", "wide", workshop / "device.key", {"--var", "transient"},
                       {"--hash", "sha512"});
    cfs_sign({"slot", "--store", store, "current", "wide"});
    write(workshop / "sha512-policy.toml", SmallMachine::policy);
    EXPECT_THAT(cfs_sign({"verify", "--store", store, "--policy", workshop / "sha512-policy.toml", "--keys",
                          workshop / "keys", "--objects"}),
                HasSubstr(digest));
  });
  EXPECT_EQ(digest.substr(0, 7), "sha512:");
  const auto log = boot({.disks = {disk}});
  ASSERT_THAT(log, Started());
  EXPECT_THAT(said(log, "report"), HasSubstr(digest));
  EXPECT_THAT(said(log, "read /data/large"), HasSubstr("3000000 bytes"));
}

// Two boots of one disk: what the first wrote, the second must find, where and only where that was promised.
struct TwoBoots {
  SerialLog first;
  SerialLog second;
};

TwoBoots boot_twice(const std::string& name, const std::string& policy_state, const std::string& etc) {
  const auto& machine = small_machine();
  const auto& workshop = machine.workshop();
  const auto store = workshop / (name + "-store");
  add_image(store, workshop / "root", "stateful", workshop / "device.key", {"--etc", etc, "--var", "bind"});
  cfs_sign({"slot", "--store", store, "current", "stateful"});
  const auto disk = workshop / (name + ".img");
  cfs_sign({"disk", "--store", store, "-o", disk, "--state-size", "32M"});
  const auto initramfs = machine.initramfs(name,
                                           "image-id = \"demo\"\n"
                                           "store = \"PARTLABEL=composefs-store\"\n"
                                           "[state]\nvar = \"bind\"\n" +
                                               policy_state + "[failure]\naction = \"poweroff\"\n");
  const Boot once{.disks = {disk}, .initramfs = initramfs, .keep_changes = true};
  TwoBoots boots{.first = boot(once), .second = boot(once)};
  EXPECT_THAT(boots.first, Started());
  EXPECT_THAT(boots.second, Started());
  for (const SerialLog& log : {boots.first, boots.second}) {
    EXPECT_TRUE(std::regex_match(said(log, "machine-id"), std::regex("[0-9a-f]{32}\n")))
        << said(log, "machine-id");
    EXPECT_THAT(said(log, "mount"), HasSubstr("/var rw,nosuid,nodev"));
    EXPECT_THAT(said(log, "mount"), HasSubstr("/etc rw,nosuid,nodev"));
  }
  EXPECT_EQ(said(boots.first, "machine-id"), said(boots.second, "machine-id"));
  EXPECT_EQ(said(boots.first, "boots /var"), "1\n");
  EXPECT_EQ(said(boots.second, "boots /var"), "2\n");
  return boots;
}

constexpr auto var_options = "options = [\"noexec\", \"nosymfollow\"]\n";
constexpr auto var_with_options = "/var rw,nosuid,nodev,noexec,relatime,nosymfollow ";

TEST(State, PersistsOnItsOwnPartition) {
  const auto boots = boot_twice(
      "partition", std::string("device = \"PARTLABEL=composefs-state\"\netc = \"overlay\"\n") + var_options,
      "overlay");
  EXPECT_EQ(said(boots.second, "boots /etc"), "2\n");
  EXPECT_THAT(said(boots.first, "mount"), HasSubstr(var_with_options));
}

TEST(State, PersistsOnTheStoresFileSystem) {
  const auto boots =
      boot_twice("shared", std::string("device = \"store\"\netc = \"overlay\"\n") + var_options, "overlay");
  EXPECT_EQ(said(boots.second, "boots /etc"), "2\n");
  EXPECT_THAT(said(boots.first, "mount"), HasSubstr(var_with_options));
}

TEST(State, LiesOnTheStoresDiskUnlessThePolicySaysOtherwise) {
  const auto& machine = small_machine();
  const auto disk = machine.store_disk("two-disks", [](const std::filesystem::path& store) {
    const auto& workshop = small_machine().workshop();
    add_image(store, workshop / "root", "stateful", workshop / "device.key", {"--var", "bind"});
    cfs_sign({"slot", "--store", store, "current", "stateful"});
  });
  const auto state = machine.workshop() / "two-disks-state.img";
  must({"mke2fs", "-q", "-t", "ext4", "-L", "state", state, "32M"});
  const auto boot_with = [&](const std::string& name, const std::string& policy_state) {
    return boot(
        {.disks = {disk, state},
         .initramfs = machine.initramfs(name, std::string("image-id = \"demo\"\n"
                                                          "store = \"LABEL=composefs-store\"\n"
                                                          "[state]\ndevice = \"LABEL=state\"\n") +
                                                  policy_state + "[failure]\naction = \"poweroff\"\n")});
  };
  EXPECT_THAT(boot_with("same-disk", ""),
              AllOf(Not(Started()), Says("composefs-root: state-failed: "),
                    Says("/dev/vdb does not lie on the disk of the store, /dev/vda")));
  const auto log = boot_with("any-disk", std::string("disk = \"any\"\n") + var_options);
  ASSERT_THAT(log, Started());
  EXPECT_THAT(said(log, "report"), HasSubstr("\"device\": \"/dev/vdb\""));
  // What the manifest asks for and the policy does not name is transient.
  EXPECT_THAT(said(log, "report"), HasSubstr("\"var\": \"transient\""));
  EXPECT_THAT(said(log, "mount"), HasSubstr(var_with_options));
}

TEST(State, IsNoLooserThanThePolicy) {
  // The manifest asks for a persistent /etc, and the policy's default is a transient one.
  const auto boots = boot_twice("capped", "device = \"PARTLABEL=composefs-state\"\n", "overlay");
  EXPECT_EQ(said(boots.second, "boots /etc"), "1\n");
}

// A disk with the images "first" and "second", whose state lies beside the store so that the test can reach
// it.
class StatefulDisk {
 public:
  explicit StatefulDisk(const std::string& name, const std::string& policy_state = "etc = \"overlay\"\n") {
    const auto& machine = small_machine();
    const auto& workshop = machine.workshop();
    const auto store = workshop / (name + "-store");
    const std::vector<std::string> stateful{"--etc", "overlay", "--var", "bind"};
    add_image(store, workshop / "root", "first", workshop / "device.key", stateful);
    add_image(store, workshop / "second-root", "second", workshop / "device.key", stateful);
    cfs_sign({"slot", "--store", store, "current", "first"});
    disk_ = workshop / (name + ".img");
    cfs_sign({"disk", "--store", store, "--raw", "--size", "64M", "-o", disk_});
    initramfs_ = machine.initramfs(name,
                                   "image-id = \"demo\"\n"
                                   "store = \"LABEL=composefs-store\"\n"
                                   "[state]\ndevice = \"store\"\nvar = \"bind\"\n" +
                                       policy_state + "[failure]\naction = \"poweroff\"\n");
  }

  [[nodiscard]] SerialLog boot(const std::string& image) const {
    auto log = test::boot({.disks = {disk_},
                           .initramfs = initramfs_,
                           .cmdline = "composefs.image=" + image,
                           .keep_changes = true});
    EXPECT_THAT(log, Started());
    EXPECT_EQ(said(log, "etc-release"), image + '\n');
    return log;
  }

  // Between two boots.
  void edit(const std::string& command) const {
    EXPECT_LE(run({"e2fsck", "-fp", disk_}).status, 1);  // replays the journal
    StoreFileSystem(disk_).edit(command);
  }

 private:
  std::filesystem::path disk_;
  std::filesystem::path initramfs_;
};

TEST(State, UpdateKeepsEtcAndRollbackGoesBack) {
  const StatefulDisk disk("update");
  const auto first = disk.boot("first");
  EXPECT_EQ(said(first, "boots /etc"), "1\n");
  EXPECT_EQ(said(first, "remove /etc/removed"), "ok\n");
  EXPECT_THAT(said(first, "report"), HasSubstr("\"etc-upper\": \"created\""));

  const auto update = disk.boot("second");
  EXPECT_EQ(said(update, "boots /etc"), "2\n");
  EXPECT_EQ(said(update, "remove /etc/removed"), "ENOENT\n");
  EXPECT_THAT(said(update, "report"), HasSubstr("\"etc-upper\": \"copied\""));
  // Its mode alone was changed, so its contents stayed in the first image, and come along all the same.
  EXPECT_EQ(said(update, "read /etc/large"), said(first, "read /etc/large"));
  EXPECT_EQ(said(update, "boots /var"), "2\n");

  const auto rollback = disk.boot("first");
  EXPECT_EQ(said(rollback, "boots /etc"), "2\n");  // not 3: what the second image changed is not there
  EXPECT_THAT(said(rollback, "report"), HasSubstr("\"etc-upper\": \"kept\""));
  EXPECT_EQ(said(rollback, "boots /var"), "3\n");
}

TEST(State, VarBeginsAsTheImagesAndFactoryResetBeginsAnew) {
  const StatefulDisk disk("reset");
  const auto first = disk.boot("first");
  EXPECT_EQ(said(first, "var-seed"), "from the image\n");
  const auto second = disk.boot("first");
  EXPECT_EQ(said(second, "boots /etc"), "2\n");
  EXPECT_THAT(said(second, "report"), HasSubstr("\"factory-reset\": false"));

  disk.edit("write /dev/null composefs-state/factory-reset");
  const auto reset = disk.boot("first");
  EXPECT_EQ(said(reset, "boots /etc"), "1\n");
  EXPECT_EQ(said(reset, "boots /var"), "1\n");
  EXPECT_EQ(said(reset, "var-seed"), "from the image\n");
  EXPECT_NE(said(reset, "machine-id"), said(second, "machine-id"));
  EXPECT_THAT(said(reset, "report"), HasSubstr("\"factory-reset\": true"));

  const auto after = disk.boot("first");
  EXPECT_EQ(said(after, "boots /etc"), "2\n");
  EXPECT_THAT(said(after, "report"), HasSubstr("\"factory-reset\": false"));
}

TEST(State, TransientRootCanBeChangedUntilTheNextBoot) {
  const StatefulDisk disk("transient-root", "etc = \"overlay\"\nroot = \"transient\"\n");
  for (int boots = 1; boots <= 2; ++boots) {
    const auto log = disk.boot("first");
    EXPECT_EQ(said(log, "write /usr/new"), "ok\n");
    EXPECT_EQ(said(log, "boots /usr"), "1\n");
    EXPECT_EQ(said(log, "boots /etc"), std::to_string(boots) + '\n');
    EXPECT_THAT(said(log, "mount"), HasSubstr(" / / rw,relatime - overlay composefs-root rw,"));
    EXPECT_THAT(said(log, "report"), HasSubstr("\"root\": \"transient\""));
  }
}

// What is made for state lies where the image has a directory of its own, and is labelled as that. No policy
// is loaded before the root is entered, so the kernel labels nothing by itself.
TEST(State, HasTheSelinuxLabelsOfTheImage) {
  const auto& machine = small_machine();
  const auto& workshop = machine.workshop();
  const auto root = workshop / "labelled-root";
  must({"cp", "-a", workshop / "root", root});
  const std::pair<std::string, std::string> labels[] = {
      {"/etc", "system_u:object_r:etc_t:s0"},
      {"/var", "system_u:object_r:var_t:s0"},
      {"/var/seed", "system_u:object_r:seed_t:s0"},
  };
  for (const auto& [path, label] : labels) {
    ASSERT_EQ(::setxattr((root.string() + path).c_str(), "security.selinux", label.c_str(), label.size(), 0),
              0);
  }
  const auto store = workshop / "labelled-store";
  add_image(store, root, "labelled", workshop / "device.key", {"--etc", "overlay", "--var", "bind"});
  cfs_sign({"slot", "--store", store, "current", "labelled"});
  const auto disk = workshop / "labelled.img";
  cfs_sign({"disk", "--store", store, "--raw", "--size", "64M", "-o", disk});
  for (const auto& [etc, var] : {std::pair{"overlay", "bind"}, std::pair{"transient", "transient"}}) {
    SCOPED_TRACE(etc);
    const auto log =
        boot({.disks = {disk},
              .initramfs = machine.initramfs(std::string("labelled-") + etc,
                                             "image-id = \"demo\"\n"
                                             "store = \"LABEL=composefs-store\"\n"
                                             "[state]\ndevice = \"store\"\netc = \"" +
                                                 std::string(etc) + "\"\nvar = \"" + var +
                                                 "\"\n[failure]\naction = \"poweroff\"\n" + test_words),
              .cmdline = "security=selinux selinux=1"});
    ASSERT_THAT(log, AllOf(Started(), Says("SELinux:  Initializing.")));
    EXPECT_THAT(said(log, "mount"), HasSubstr("/etc rw,nosuid,nodev"));
    EXPECT_THAT(said(log, "mount"), HasSubstr("/var rw,nosuid,nodev"));
    for (const auto& [path, label] : labels) {
      EXPECT_EQ(said(log, "label " + path), label + '\n');
    }
  }
}

TEST(State, IsMissedWhenTheImageNeedsItAndThePolicyHasNone) {
  const auto& machine = small_machine();
  const auto disk = machine.store_disk("no-state", [](const std::filesystem::path& store) {
    const auto& workshop = small_machine().workshop();
    add_image(store, workshop / "root", "stateful", workshop / "device.key", {"--var", "bind"});
    cfs_sign({"slot", "--store", store, "current", "stateful"});
  });
  const auto log = boot({.disks = {disk},
                         .initramfs = machine.initramfs("no-state",
                                                        "image-id = \"demo\"\n"
                                                        "store = \"LABEL=composefs-store\"\n"
                                                        "[state]\nvar = \"bind\"\n"
                                                        "[failure]\naction = \"poweroff\"\n")});
  EXPECT_THAT(log, RefusedWith("state-failed"));
}

}  // namespace
}  // namespace cfs::test
