// SPDX-License-Identifier: Apache-2.0
// What cfs-sign initramfs makes of an initrd with systemd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/systemd_initrd.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

class InnerArchive : public ::testing::Test {
 protected:
  InnerArchive() {
    std::filesystem::create_directory(workshop_ / "keys");
    cfs_sign({"keygen", workshop_ / "keys/device"});
    write(workshop_ / "policy.toml", "image-id = \"demo\"\nstore = \"LABEL=store\"\n");
    write(inner_, newc_archive(systemd_initrd()));
  }

  [[nodiscard]] Words command(const Words& more) const {
    Words words{cfs_sign_program, "initramfs",
                "--policy",       workshop_ / "policy.toml",
                "--keys",         workshop_ / "keys",
                "--program",      initrd_program,
                "--compress",     "none"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  Workshop workshop_;
  std::filesystem::path inner_ = workshop_ / "inner.cpio";
  std::filesystem::path output_ = workshop_ / "initramfs.img";
};

TEST_F(InnerArchive, LiesInTheInitramfsAsItIs) {
  must(command({"--inner", inner_, "-o", output_}));
  EXPECT_EQ(
      must({"cpio", "--list", "--quiet", "-F", output_}),
      "dev\ndev/console\netc\netc/composefs-root\netc/composefs-root/keys\n"
      "etc/composefs-root/keys/device.pub\netc/composefs-root/policy.toml\ninit\nproc\nrun\nsys\nsysroot\n"
      "usr\nusr/lib\nusr/lib/composefs-root\nusr/lib/composefs-root/inner.cpio");
  EXPECT_THAT(read_bytes(output_), HasSubstr(read_bytes(inner_)));
}

TEST_F(InnerArchive, GoesThroughAPipe) {
  must(command({"--inner", inner_, "-o", output_}));
  Words piped{"sh", "-c",   R"(input=$1; output=$2; shift 2; cat "$input" | "$@" >"$output")",
              "sh", inner_, workshop_ / "piped.img"};
  const Words filter = command({"--inner", "-", "-o", "-"});
  piped.insert(piped.end(), filter.begin(), filter.end());
  must(piped);
  EXPECT_EQ(read_bytes(workshop_ / "piped.img"), read_bytes(output_));
}

TEST_F(InnerArchive, LeavesMicrocodeInFrontWhereTheNextArchiveCanFollow) {
  // Its padding ends where no archive could begin.
  const std::string early =
      newc_archive({ArchiveEntry{.name = "kernel", .mode = 040755}}) + std::string(6, '\0');
  must({"gzip", "--keep", inner_});
  write(workshop_ / "initrd", early + read_bytes(workshop_ / "inner.cpio.gz"));
  must(command({"--inner", workshop_ / "initrd", "-o", output_}));
  const std::string made = read_bytes(output_);
  EXPECT_THAT(made, StartsWith(early + std::string(2, '\0') + "070701"));
  EXPECT_THAT(made, HasSubstr(read_bytes(inner_)));
}

TEST_F(InnerArchive, IsRefusedWithoutHalfAnInitramfs) {
  write(inner_, newc_archive({ArchiveEntry{.name = "init", .mode = 0100755, .contents = "#!/bin/sh\n"}}));
  const Outcome outcome = run(command({"--inner", inner_, "-o", output_}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, StartsWith("cfs-sign: unsupported-input: " + inner_.string() +
                                         ": its init is not a link to systemd"));
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(InnerArchive, IsWhatMakesModulesOptional) {
  const Outcome neither = run(command({"-o", output_}));
  EXPECT_EQ(neither.status, 2);
  EXPECT_THAT(neither.errors, StartsWith("cfs-sign: usage: name the kernel's modules with --modules"));
  const Outcome module_of_nothing =
      run(command({"--inner", inner_, "--module", "virtio_blk", "-o", output_}));
  EXPECT_EQ(module_of_nothing.status, 2);
  EXPECT_THAT(module_of_nothing.errors,
              StartsWith("cfs-sign: usage: name the kernel's modules with --modules"));
}

}  // namespace
}  // namespace cfs::test
