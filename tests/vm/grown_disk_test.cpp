// SPDX-License-Identifier: Apache-2.0
// Boots a whole Debian 13 from a disk that was made larger after it was written, and whose current manifest
// is damaged: what systemd finds on the disk, what grows, and what the journal says.
#include "build_host.hpp"
#include "host_system.hpp"
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uintmax_t mib = 1UL << 20;

// In the image: has systemd-repart(8) grow the state's partition.
constexpr auto state_definition =
    "[Partition]\n"
    "Type=29642b8c-fab9-454a-b5d5-b83269602c4d\n";

// Makes the disk larger, with an EFI system partition at its new end.
void grow(const std::filesystem::path& disk) {
  constexpr std::uintmax_t more = 512 * mib;
  constexpr std::uintmax_t esp_size = 64 * mib;
  const auto size = std::filesystem::file_size(disk) / mib * mib + more;
  std::filesystem::resize_file(disk, size);
  const std::string esp_start = std::to_string((size - esp_size - mib) / 512);
  must({"sh", "-ec",
        R"(echo "start=$2, size=$3, type=uefi" | sfdisk --quiet --append "$1"
           mkfs.vfat -F 16 --offset="$2" "$1" $(($3 / 2)) )",
        "sh", disk, esp_start, std::to_string(esp_size / 512)});
}

std::uintmax_t number(const std::string& text) {
  return std::strtoull(text.c_str(), nullptr, 10);
}

TEST(GrownDisk, IsUsedWholeAfterABootThatFellBack) {
  const std::string policy = HostSystem::policy() + "[doors]\ngpt-auto = true\n";
  const HostSystem system(policy, {"systemd-repart"});
  std::filesystem::create_directories(system.root() / "efi");
  std::filesystem::create_directories(system.root() / "usr/lib/repart.d");
  write(system.root() / "usr/lib/repart.d/50-state.conf", state_definition);
  (void)system.add_image("intact", "previous");
  (void)system.add_image("damaged", "current");
  const auto manifest = system.store() / "manifests/damaged.toml";
  write(manifest, read_bytes(manifest) + "# more than was signed\n");
  const BuildHost host(debian13, system.public_key(), policy);

  for (const auto& initramfs : {system.initramfs(), made_initrd(host)}) {
    SCOPED_TRACE(initramfs);
    system.make_disk({"--state-size", "64M"});
    grow(system.disk());
    Console console(system.machine(initramfs));
    EXPECT_EQ(console.run("systemctl is-system-running --wait; systemctl --failed --plain --no-legend"),
              "running\n");

    const auto partition = number(console.run("lsblk --bytes --noheadings --nodeps --output SIZE /dev/vda2"));
    EXPECT_GT(partition, 500 * mib);
    EXPECT_GT(number(console.run("findmnt --bytes --noheadings --output SIZE /var")), partition / 10 * 9);
    EXPECT_THAT(console.run("ls /efi; findmnt --noheadings --raw --types vfat --output SOURCE /efi"),
                HasSubstr("/dev/vda3\n"));

    EXPECT_THAT(console.run("journalctl --no-pager -o verbose MESSAGE_ID=73301aaba47646e3866390f3e47afebd"),
                AllOf(HasSubstr("COMPOSEFS_REFUSED_MANIFEST=damaged\n"),
                      HasSubstr("COMPOSEFS_REFUSED_SLOT=current\n"),
                      HasSubstr("COMPOSEFS_REFUSED_CODE=signature-untrusted\n"),
                      HasSubstr("COMPOSEFS_MANIFEST=intact\n"), HasSubstr("COMPOSEFS_SLOT=previous\n")));
    console.power_off();
    if (HasFailure()) {
      std::printf("%s\n", console.log().c_str());
    }
  }
}

}  // namespace
}  // namespace cfs::test
