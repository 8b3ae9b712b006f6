// SPDX-License-Identifier: Apache-2.0
// Boots the small root (guest.cpp) on Debian 13's kernel with each kind of initramfs that cfs-sign makes:
// modules as Debian signed them or stripped of their signatures, and compressed in each way.
#include "small_machine.hpp"

namespace cfs::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::Not;

SerialLog boot_made_with(const std::string& name, const std::vector<std::string>& options,
                         const std::string& cmdline, unsigned processors = 1) {
  const auto& machine = small_machine();
  return boot({.disks = {machine.copy_of_store_disk(name)},
               .initramfs = machine.initramfs(name, SmallMachine::policy, SmallMachine::suite, options),
               .cmdline = cmdline,
               .processors = processors});
}

SerialLog boot_stripped(const std::string& cmdline, unsigned processors = 1) {
  return boot_made_with("stripped", {"--strip-module-signatures"}, cmdline, processors);
}

// Under lockdown, and when only signatures are enforced, the kernel says no in different ways.
constexpr auto lockdown = "lockdown=integrity";
constexpr auto enforced = "module.sig_enforce=1";

TEST(ModuleSignature, StrippedModulesLoadWhereTheKernelDoesNotDemandIt) {
  EXPECT_THAT(boot_stripped(""), AllOf(Started(), Says("module verification failed: signature")));
}

TEST(ModuleSignature, KeptOnesLoadWhereTheKernelDemandsThem) {
  for (const char* demand : {lockdown, enforced}) {
    EXPECT_THAT(boot_made_with("kept", {}, demand), AllOf(Started(), Not(Says("module verification failed"))))
        << demand;
  }
}

TEST(ModuleSignature, StrippedOnesAreRefusedWhereTheKernelDemandsThem) {
  for (const char* demand : {lockdown, enforced}) {
    EXPECT_THAT(boot_stripped(demand),
                AllOf(RefusedWith("module-refused"), Says("without --strip-module-signatures")))
        << demand;
  }
}

// The kernel says of each module which process initialises it.
TEST(Modules, AreLoadedByAllProcessors) {
  const std::string debug = std::string(enforced) + " initcall_debug ignore_loglevel";
  const auto by_others = R"(\] @ ([2-9]|1[0-9]))";
  const SerialLog several = boot_made_with("processors", {}, debug, 4);
  EXPECT_THAT(several, Started());
  EXPECT_THAT(several.text, ContainsRegex(by_others));
  const SerialLog one = boot_made_with("processors", {}, debug);
  EXPECT_THAT(one.text, AllOf(ContainsRegex(R"(\] @ 1[^0-9])"), Not(ContainsRegex(by_others))));
  EXPECT_THAT(boot_stripped(enforced, 4), RefusedWith("module-refused"));
}

TEST(InitramfsCompression, TheKernelUnpacksEach) {
  for (const char* compression : {"zstd", "gzip", "none"}) {
    EXPECT_THAT(boot_made_with("compressed", {"--compress", compression}, ""), Started()) << compression;
  }
}

}  // namespace
}  // namespace cfs::test
