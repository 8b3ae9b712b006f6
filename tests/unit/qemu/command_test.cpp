// SPDX-License-Identifier: Apache-2.0
#include "qemu/command.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace cfs {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// The value that follows an option, or nothing.
std::string value_of(const std::vector<std::string>& command, const std::string& option) {
  const auto found = std::find(command.begin(), command.end(), option);
  return found == command.end() || found + 1 == command.end() ? "" : *(found + 1);
}

TEST(ShellLine, IsTheSameCommandToAShell) {
  EXPECT_EQ(shell_line({"qemu", "-m", "1024", "file=/tmp/a,if=none"}), "qemu -m 1024 file=/tmp/a,if=none");
  EXPECT_EQ(shell_line({"a b", "", "it's", "$HOME;*"}), "'a b' '' 'it'\\''s' '$HOME;*'");
}

TEST(QemuCommand, HasWhatWasAskedFor) {
  const auto command = qemu_command({.kernel = "vmlinuz",
                                     .initrd = "initramfs",
                                     .cmdline = "console=x quiet",
                                     .memory_mib = 512,
                                     .processors = 1,
                                     .extra = {"-device", "i6300esb"}},
                                    SerialLine::standard_streams);
  EXPECT_EQ(value_of(command, "-kernel"), "vmlinuz");
  EXPECT_EQ(value_of(command, "-initrd"), "initramfs");
  EXPECT_EQ(value_of(command, "-append"), "console=x quiet");
  EXPECT_EQ(value_of(command, "-m"), "512");
  EXPECT_EQ(value_of(command, "-smp"), "1");
  EXPECT_EQ(value_of(command, "-device"), "i6300esb");
  EXPECT_EQ(value_of(command, "-serial"), "stdio");
  EXPECT_THAT(value_of(command, "-accel"), HasSubstr("tcg"));
  EXPECT_THAT(command, AllOf(Contains("-no-reboot"), Not(Contains("-drive"))));
}

TEST(QemuCommand, ADiskIsChangedOnlyWhenItSaysSo) {
  const auto drive = [](MachineDisk::Writes writes) {
    return value_of(
        qemu_command({.disks = {{.file = "disk", .writes = writes}}}, SerialLine::standard_streams),
        "-drive");
  };
  EXPECT_THAT(drive(MachineDisk::Writes::discarded), HasSubstr("snapshot=on"));
  EXPECT_THAT(drive(MachineDisk::Writes::refused), HasSubstr("read-only=on"));
  EXPECT_THAT(drive(MachineDisk::Writes::kept),
              AllOf(Not(HasSubstr("snapshot")), Not(HasSubstr("read-only"))));
}

TEST(QemuCommand, DisksComeInOrderAndMayHaveCommas) {
  const auto command =
      qemu_command({.disks = {{.file = "a,b"}, {.file = "c"}}}, SerialLine::standard_streams);
  EXPECT_THAT(value_of(command, "-drive"), AllOf(HasSubstr("id=disk0"), HasSubstr("file=a,,b,")));
  EXPECT_THAT(command, Contains(AllOf(HasSubstr("id=disk1"), HasSubstr("file=c"))));
  EXPECT_EQ(value_of(command, "-device"), "virtio-blk-pci,drive=disk0");
}

TEST(QemuCommand, ADiskIsAsSlowAsAskedFor) {
  const auto command =
      qemu_command({.disks = {{.file = "disk", .bytes_per_second = 1000, .requests_per_second = 30}}},
                   SerialLine::standard_streams);
  EXPECT_THAT(value_of(command, "-drive"),
              AllOf(HasSubstr(",throttling.bps-total=1000"), HasSubstr(",throttling.iops-total=30")));
}

TEST(QemuCommand, KvmUsesTheHostsProcessor) {
  const auto command = qemu_command({.acceleration = Acceleration::kvm}, SerialLine::terminal);
  EXPECT_EQ(value_of(command, "-accel"), "kvm");
  EXPECT_EQ(value_of(command, "-cpu"), "host");
  EXPECT_EQ(value_of(command, "-serial"), "mon:stdio");
}

TEST(QemuCommand, EmulatesTheProcessorThatIsAskedFor) {
  const auto command =
      qemu_command({.acceleration = Acceleration::emulation_by_instructions, .cpu = "Haswell,-cx16"},
                   SerialLine::standard_streams);
  EXPECT_EQ(value_of(command, "-accel"), "tcg,thread=single");
  EXPECT_EQ(value_of(command, "-icount"), "shift=0");
  EXPECT_EQ(value_of(command, "-cpu"), "Haswell,-cx16");
  const auto usual = qemu_command({}, SerialLine::standard_streams);
  EXPECT_NE(value_of(usual, "-cpu"), "");
  EXPECT_EQ(value_of(usual, "-icount"), "");
}

}  // namespace
}  // namespace cfs
