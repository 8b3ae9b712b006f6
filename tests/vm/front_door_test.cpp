// SPDX-License-Identifier: Apache-2.0
// Boots initramfs archives with systemd's initrd as an inner archive, on Debian 13's kernel. In the place of
// systemd lies the guest program (guest.cpp): what it was given, it says.
#include "small_machine.hpp"
#include "unit/systemd_initrd.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr unsigned directory = 040755;

constexpr auto policy =
    "image-id = \"demo\"\n"
    "store = \"LABEL=composefs-store\"\n"
    "[failure]\n"
    "action = \"poweroff\"\n"
    "[cmdline]\n";
constexpr auto untrusted = "allow = [\"probe\", \"--\"]\n";
constexpr auto trusted = "trust = \"signed\"\n";

// What the program itself gives to systemd; the last closes a door.
constexpr auto clean_environment = "HOME=/\nTERM=linux\nSYSTEMD_EFI_OPTIONS=\n";

// The guest program is systemd. The links in /data have it read what it finds.
std::vector<ArchiveEntry> guest_initrd() {
  auto entries = systemd_initrd();
  std::erase_if(entries, [](const ArchiveEntry& entry) { return entry.name == "usr/lib/systemd/systemd"; });
  for (const char* path : {"bin", "data", "etc/composefs-root"}) {
    entries.push_back({.name = path, .mode = directory});
  }
  entries.push_back({.name = "etc/composefs-root/policy.toml", .contents = "of the inner archive"});
  const auto add_link = [&](const char* path, const char* target) {
    entries.push_back({.name = path, .mode = 0120777, .contents = target});
  };
  add_link("data/1-marker", "/run/composefs-root/front-door");
  add_link("data/2-inner", "/usr/lib/composefs-root/inner.cpio");
  add_link("data/3-policy", "/etc/composefs-root/policy.toml");
  add_link("data/4-emergency", "/etc/systemd/system/emergency.service");
  // As GNU cpio writes the names of one file.
  entries.push_back({.name = "bin/sh", .mode = 0100755, .inode = 7, .names = 2});
  entries.push_back({.name = "usr/lib/systemd/systemd",
                     .mode = 0100755,
                     .contents = read_bytes(CFS_GUEST),
                     .inode = 7,
                     .names = 2});
  return entries;
}

struct Trust {
  const char* name;
  const char* cmdline;  // of the policy
};
constexpr Trust not_signed{"untrusted", untrusted};
constexpr Trust is_signed{"signed", trusted};

std::filesystem::path policy_file(const Trust& trust) {
  const auto file = small_machine().workshop() / (std::string("front-door-") + trust.name + ".toml");
  write(file, std::string(policy) + trust.cmdline);
  return file;
}

std::filesystem::path made(const std::string& name, const Trust& trust,
                           const std::vector<std::string>& options) {
  const auto& workshop = small_machine().workshop();
  auto output = workshop / (name + ".img");
  std::vector<std::string> command{
      "initramfs", "--policy",     policy_file(trust), "--keys", workshop / "keys",
      "--program", initrd_program, "--compress",       "none",   "-o",
      output};
  command.insert(command.end(), options.begin(), options.end());
  cfs_sign(command);
  return output;
}

std::filesystem::path two_parts(const std::string& name, const Trust& trust = not_signed) {
  const auto inner = small_machine().workshop() / (name + "-inner.cpio");
  write(inner, newc_archive(guest_initrd()));
  return made(name, trust, {"--inner", inner});
}

// An initramfs of this project with another archive behind it, which the kernel unpacks over it.
std::filesystem::path with_more(const std::string& name, const Trust& trust, const std::string& archive) {
  auto output =
      made(name, trust, {"--modules", debian_kernel(SmallMachine::suite).modules, "--module", "virtio_blk"});
  std::string bytes = read_bytes(output);
  bytes.resize((bytes.size() + 3) / 4 * 4);
  write(output, bytes + archive);
  return output;
}

std::filesystem::path one_piece(const std::string& name, const Trust& trust) {
  auto entries = guest_initrd();
  std::erase_if(entries, [](const ArchiveEntry& entry) {
    return entry.name == "init" || entry.name == "etc/composefs-root/policy.toml";
  });
  return with_more(name, trust, newc_archive(entries));
}

SerialLog boot_by(const std::filesystem::path& initramfs, const std::string& cmdline = "") {
  return boot({.disks = {}, .initramfs = initramfs, .cmdline = cmdline});
}

TEST(FrontDoor, GivesSystemdNothingOfTheCommandLine) {
  const auto log = boot_by(two_parts("accepted"), "probe=environment probe -- probe");
  EXPECT_THAT(log, AllOf(Started(), Says("composefs-root: unpacked the inner archive: ")));
  EXPECT_EQ(said(log, "argument"), "/usr/lib/systemd/systemd\n");
  EXPECT_EQ(said(log, "environment"), clean_environment);
  EXPECT_EQ(said(log, "read /data/1-marker"), "0 bytes, sum 0 0\n");
  EXPECT_EQ(said(log, "read /data/2-inner"), "ENOENT\n");
  const auto policy_size = std::filesystem::file_size(policy_file(not_signed));
  // The policy of the outer archive, and the unit of the inner one that the link leads to.
  EXPECT_THAT(said(log, "read /data/3-policy"), StartsWith(std::to_string(policy_size) + " bytes,"));
  EXPECT_THAT(said(log, "read /data/4-emergency"), StartsWith("7 bytes,"));
}

// What was accepted before, or came to systemd before anything of ours ran.
TEST(FrontDoor, RefusesAndTakesTheActionItself) {
  const auto initramfs = two_parts("refused");
  for (const auto& [words, named] : {
           std::pair("systemd.condition_first_boot=1", "systemd.condition_first_boot"),
           std::pair("CREDENTIALS_DIRECTORY=/var/creds", "CREDENTIALS_DIRECTORY"),
           std::pair("container=lxc", "container"),
           std::pair("quiet -- emergency", "emergency"),
           std::pair("composefs.store=LABEL=composefs-store root=/dev/$(command)x", "root"),
           std::pair("SYSTEMD_GENERATOR_PATH=/x rd.systemd.unit=emergency.target", "SYSTEMD_GENERATOR_PATH"),
       }) {
    const auto log = boot_by(initramfs, words);
    EXPECT_THAT(log, AllOf(RefusedWith("parameter-refused"), Says("reboot: Power down"))) << words;
    EXPECT_THAT(log.text, AllOf(HasSubstr(std::string("parameter-refused: ") + named),
                                Not(HasSubstr("unpacked the inner archive"))))
        << words;
  }
}

// The kernel starts any program that it has unpacked.
TEST(FrontDoor, LeavesTheKernelNoOtherProgramToStart) {
  const auto initramfs = two_parts("rdinit");
  for (const char* program : {"/usr/lib/systemd/systemd", "/bin/sh"}) {
    const auto log = boot_by(initramfs, std::string("rdinit=") + program);
    EXPECT_THAT(log.text, AllOf(HasSubstr("Kernel panic"), Not(HasSubstr("guest: started")))) << program;
  }
}

TEST(FrontDoor, TakesAnInitrdInOnePieceOnlyWithASignedCommandLine) {
  EXPECT_THAT(boot_by(one_piece("one-piece", not_signed)),
              AllOf(RefusedWith("initrd-refused"), Says("reboot: Power down")));
  const auto log = boot_by(one_piece("one-piece-signed", is_signed), "probe=environment");
  EXPECT_THAT(log, Started());
  EXPECT_EQ(said(log, "environment"), clean_environment);
}

TEST(FrontDoor, RefusesAnInnerArchiveThatIsNone) {
  const auto archive = newc_archive(
      {ArchiveEntry{.name = "usr", .mode = directory}, ArchiveEntry{.name = "usr/lib", .mode = directory},
       ArchiveEntry{.name = "usr/lib/composefs-root", .mode = directory},
       ArchiveEntry{.name = "usr/lib/composefs-root/inner.cpio", .contents = "none"}});
  EXPECT_THAT(boot_by(with_more("malformed", not_signed, archive)),
              AllOf(RefusedWith("archive-malformed"), Says("reboot: Power down")));
}

}  // namespace
}  // namespace cfs::test
