// SPDX-License-Identifier: Apache-2.0
// Runs the steps of README.md, from a key to a machine that has booted, as they are written there.
#include "login_console.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The first block of code under a heading.
std::string code_under(const std::string& heading) {
  constexpr std::string_view fence = "```\n";
  const std::string page = read_bytes(CFS_SOURCE "/README.md");
  const auto begin = page.find(fence, page.find("\n## " + heading + '\n')) + fence.size();
  return page.substr(begin, page.find(fence, begin) - begin);
}

TEST(Readme, StepsLeadFromAKeyToAMachine) {
  if (serial_console() != "ttyS0") {
    GTEST_SKIP() << "the last step is for x86-64";
  }
  const Workshop workshop;
  const std::filesystem::path directory = workshop / "empty";
  std::filesystem::create_directory(directory);
  const std::string root = must({CFS_SOURCE "/qemu/debian-root", "trixie"});
  std::filesystem::create_directory_symlink(root, directory / "rootfs");
  // Bash reads a line when it has executed the one before. The last becomes a machine on the same terminal,
  // which ends with the shell: both are in a process namespace of their own.
  const std::string steps = workshop.write("steps", code_under("From a root directory to a machine"));
  auto shell = Machine::start_command({"unshare", "--pid", "--fork", "--kill-child", "env",
                                       "--ignore-environment", "--chdir=" + directory.string(),
                                       "PATH=" CFS_PROGRAMS "/sign:/usr/sbin:/usr/bin:/sbin:/bin", "bash",
                                       "-e", steps});
  ASSERT_TRUE(shell) << shell.error().line();
  Console console(std::move(*shell));

  EXPECT_THAT(console.run("findmnt --raw --noheadings --output FSTYPE,OPTIONS /"),
              AllOf(HasSubstr("overlay ro,"), HasSubstr("verity=require")));
  EXPECT_EQ(console.run("systemctl is-active multi-user.target"), "active\n");
  EXPECT_THAT(console.run("findmnt --raw --noheadings --output FSTYPE /var"), HasSubstr("ext4"));
  console.power_off();
  if (HasFailure()) {
    std::printf("%s\n", console.log().c_str());
  }
}

}  // namespace
}  // namespace cfs::test
