// SPDX-License-Identifier: Apache-2.0
#include "cfs/doors/doors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "cfs/base/text.hpp"
#include "cfs/doors/visible_cmdline.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using ::testing::HasSubstr;
using Names = std::vector<std::string>;

constexpr Policy::Doors closed;

// A system's root with an empty /run.
class Doors : public ::testing::Test {
 protected:
  Doors() { std::filesystem::create_directory(root() / "run"); }

  [[nodiscard]] std::filesystem::path root() const { return directory_.path(); }
  [[nodiscard]] std::filesystem::path mask(std::string_view unit) const {
    return root() / "run/systemd/system.control" / unit;
  }
  [[nodiscard]] std::filesystem::path generator_mask(std::string_view name) const {
    return root() / "run/systemd/system-generators" / name;
  }
  [[nodiscard]] Result<> write(const Policy::Doors& policy = closed) const {
    return write_masks(policy, root());
  }
  // As the closed doors make it.
  static std::string cmdline() { return filter_cmdline("quiet\n", Policy{}); }
  [[nodiscard]] Result<> check(const Door& door) const { return check_door(door, root(), cmdline()); }

  const TempDirectory directory_;
};

bool is_mask(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::read_symlink(path, error) == "/dev/null";
}

TEST_F(Doors, EachHasAKeyOfItsOwnASwitchOfItsOwnAndAMeans) {
  std::set<std::string_view> keys;
  for (const Door& door : all_doors()) {
    SCOPED_TRACE(door.key());
    EXPECT_TRUE(keys.insert(door.key()).second);
    const Policy policy =
        parse_policy(cat("image-id = \"demo\"\nstore = \"LABEL=store\"\n[doors]\n", door.key(), " = true\n"))
            .value();
    EXPECT_EQ(open_doors(policy.doors), Names{std::string(door.key())});
    EXPECT_FALSE(door.masks.units.empty() && door.masks.generators.empty() && door.words.empty() &&
                 door.environment.empty() && door.boot_files.empty() && door.blocked.empty() &&
                 door.otherwise.empty());
  }
  EXPECT_TRUE(open_doors(closed).empty());
}

TEST_F(Doors, AreClosedOnceTheMasksAreWritten) {
  for (const Door& door : all_doors()) {
    if (!door.masks.units.empty() || !door.masks.generators.empty() || !door.blocked.empty()) {
      EXPECT_EQ(check(door).error().code(), Code::door_open) << door.key();
    }
  }
  ASSERT_TRUE(write());
  for (const Door& door : all_doors()) {
    EXPECT_TRUE(check(door)) << door.key();
    for (const std::string_view unit : door.masks.units) {
      EXPECT_TRUE(is_mask(mask(unit))) << unit;
    }
    for (const std::string_view generator : door.masks.generators) {
      EXPECT_TRUE(is_mask(generator_mask(generator))) << generator;
    }
  }
  EXPECT_TRUE(std::filesystem::is_regular_file(root() / "run/systemd/efivars"));
}

TEST_F(Doors, OfAnInitrdHaveMasksOfTheirOwn) {
  Policy::Doors policy;
  policy.configuration_extensions = true;
  ASSERT_TRUE(write_initrd_masks(policy, root()));
  for (const Door& door : all_doors()) {
    for (const std::string_view unit : door.initrd_masks.units) {
      EXPECT_EQ(is_mask(mask(unit)), door.key() != "configuration-extensions") << unit;
    }
    for (const std::string_view generator : door.initrd_masks.generators) {
      EXPECT_TRUE(is_mask(generator_mask(generator))) << generator;
    }
    for (const std::string_view unit : door.masks.units) {
      EXPECT_FALSE(is_mask(mask(unit))) << unit;
    }
  }
}

TEST_F(Doors, OfWhichOneIsOpenLackExactlyItsMasks) {
  Policy::Doors policy;
  policy.gpt_auto = true;
  policy.system_extensions = true;
  policy.efi_options = true;
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(write(policy));
    EXPECT_FALSE(is_mask(mask("systemd-sysext.service")));
    EXPECT_TRUE(is_mask(mask("systemd-confext.service")));
    EXPECT_FALSE(is_mask(generator_mask("systemd-gpt-auto-generator")));
    EXPECT_TRUE(is_mask(generator_mask("systemd-import-generator")));
    EXPECT_FALSE(std::filesystem::exists(root() / "run/systemd/efivars"));
    ASSERT_TRUE(write());  // and the next round opens what this closes
  }
}

TEST_F(Doors, AreClosedAgainWhateverIsInTheWay) {
  directory_.write("run/systemd/system.control/systemd-sysext.service", "[Service]\nExecStart=/evil\n");
  directory_.link("run/systemd/system.control/systemd-confext.service", "/run/evil.service");
  directory_.write("run/systemd/system.control/systemd-portabled.service/a/b", "");
  directory_.write("run/systemd/system-generators/systemd-gpt-auto-generator", "#!/bin/sh\n");
  directory_.write("run/systemd/efivars/SystemdOptions", "evil");
  directory_.write("run/systemd/system.control/other.service", "");
  ASSERT_TRUE(write());
  for (const Door& door : all_doors()) {
    EXPECT_TRUE(check(door)) << door.key();
  }
  EXPECT_TRUE(std::filesystem::exists(mask("other.service")));
}

TEST_F(Doors, AreNotClosedThroughALinkThatLeadsElsewhere) {
  for (const char* link : {"systemd/system.control", "systemd/system-generators", "systemd"}) {
    SCOPED_TRACE(link);
    std::filesystem::remove_all(root() / "run/systemd");
    std::filesystem::create_directories(root() / "elsewhere");
    directory_.link(cat("run/", link), root().string() + "/elsewhere");
    EXPECT_EQ(write().error().code(), Code::door_open);
    EXPECT_TRUE(std::filesystem::is_empty(root() / "elsewhere"));
  }
}

TEST_F(Doors, AreFoundOpenWhenAnythingIsChanged) {
  ASSERT_TRUE(write());
  const auto find = [](std::string_view key) { return *std::ranges::find(all_doors(), key, &Door::key); };
  const auto problem = [&](std::string_view key) {
    const auto checked = check(find(key));
    return checked ? std::string() : checked.error().what();
  };
  std::filesystem::remove(mask("systemd-confext.service"));
  EXPECT_EQ(problem("configuration-extensions"),
            "/run/systemd/system.control/systemd-confext.service is no mask");
  std::filesystem::remove(generator_mask("systemd-gpt-auto-generator"));
  EXPECT_THAT(problem("gpt-auto"), HasSubstr("/run/systemd/system-generators/systemd-gpt-auto-generator"));
  std::filesystem::remove(root() / "run/systemd/efivars");
  EXPECT_EQ(problem("efi-options"), "/run/systemd/efivars is no empty file");
  directory_.write("etc/systemd/system.control/systemd-sysext.socket", "");
  EXPECT_EQ(problem("system-extensions"),
            "/etc/systemd/system.control/systemd-sysext.socket ranks above its mask");
  EXPECT_EQ(problem("credentials"), "");
  EXPECT_EQ(check_door(find("credentials"), root(), "systemd.import_credentials=no-\n").error().what(),
            "/proc/cmdline has no systemd.import_credentials=no");
}

TEST_F(Doors, KeepOfTheBootLoadersFilesThoseOfTheKernelImage) {
  const auto make = [&] {
    for (const char* file : {"credentials/a.cred", "global_credentials/b.cred", "system_credentials/c.cred",
                             "sysext/d.raw", "global_confext/e.raw", "new-thing/f", "new-file",
                             "tpm2-pcr-signature.json", "tpm2-pcr-public-key.pem", "os-release", "profile"}) {
      directory_.write(cat(".extra/", file), "x");
    }
  };
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(root() / ".extra")) {
      found.insert(entry.path().filename());
    }
    return Names(found.begin(), found.end());
  };
  make();
  ASSERT_TRUE(remove_boot_files(closed, root()));
  EXPECT_EQ(names(), (Names{"os-release", "profile", "tpm2-pcr-public-key.pem", "tpm2-pcr-signature.json"}));
  make();
  Policy::Doors policy;
  policy.credentials = true;
  policy.configuration_extensions = true;
  ASSERT_TRUE(remove_boot_files(policy, root()));
  EXPECT_EQ(names(), (Names{"credentials", "global_confext", "global_credentials", "os-release", "profile",
                            "system_credentials", "tpm2-pcr-public-key.pem", "tpm2-pcr-signature.json"}));
}

TEST_F(Doors, NeedNoFilesOfABootLoaderAndFollowNoLinkToThem) {
  EXPECT_TRUE(remove_boot_files(closed, root()));
  directory_.write("elsewhere/file", "");
  directory_.link(".extra", "elsewhere");
  EXPECT_EQ(remove_boot_files(closed, root()).error().code(), Code::door_open);
  EXPECT_TRUE(std::filesystem::exists(root() / "elsewhere/file"));
}

// "NAME , NAME .": names as an mdoc macro takes them, at the end of a sentence.
std::string mdoc_list(Door::Names names) {
  std::string list;
  for (const std::string_view name : names) {
    list += cat(list.empty() ? "" : " , ", name);
  }
  return list + " .\n";
}

std::string mdoc_entry(const Door& door) {
  std::string entry = cat(".It Cm ", door.key(), '\n', door.what, ".\nKnown to ", door.versions, ".\n");
  const auto add = [&](std::string_view means, std::string_view macro, Door::Names names) {
    if (!names.empty()) {
      entry += cat(means, "\n.", macro, ' ', mdoc_list(names));
    }
  };
  add("Masked units:", "Pa", door.masks.units);
  add("Masked generators:", "Pa", door.masks.generators);
  add("Masked units in an initrd:", "Pa", door.initrd_masks.units);
  add("Masked generators in an initrd:", "Pa", door.initrd_masks.generators);
  add("Added words:", "Li", door.words);
  add("Environment of init:", "Ev", door.environment);
  add("Removed below\n.Pa /.extra :", "Pa", door.boot_files);
  if (!door.blocked.empty()) {
    entry += cat("An empty file in the place of the directory\n.Pa /run/systemd/", door.blocked, " .\n");
  }
  return door.otherwise.empty() ? entry : cat(entry, door.otherwise, ".\n");
}

// The manual page's list is this one.
TEST(DoorsInTheManualPage, AreThese) {
  std::string list = ".Bl -tag -width Ds\n";
  for (const Door& door : all_doors()) {
    list += mdoc_entry(door);
  }
  list += ".El\n";
  EXPECT_NE(read_bytes(CFS_TEST_DATA "/../../initrd/composefs-root.8").find(list), std::string::npos)
      << "composefs-root.8 must have\n"
      << list;
}

TEST(InitEnvironment, HoldsNothingFromAnUntrustedCommandLine) {
  Policy policy;
  EXPECT_EQ(init_environment(policy, {"LD_PRELOAD=/var/evil.so", "SYSTEMD_EFI_OPTIONS=evil"}),
            (Names{"HOME=/", "TERM=linux", "SYSTEMD_EFI_OPTIONS="}));
  policy.doors.efi_options = true;
  EXPECT_EQ(init_environment(policy), (Names{"HOME=/", "TERM=linux"}));
}

TEST(InitEnvironment, HoldsWhatASignedCommandLineSaysButForWhatClosesDoors) {
  Policy policy;
  policy.cmdline.trust = CmdlineTrust::signed_cmdline;
  const std::vector<std::string> given{"HOME=/x", "SYSTEMD_EFI_OPTIONS=a", "A=b"};
  EXPECT_EQ(init_environment(policy, given), (Names{"HOME=/x", "A=b", "SYSTEMD_EFI_OPTIONS="}));
  policy.doors.efi_options = true;
  EXPECT_EQ(init_environment(policy, given), (Names{"HOME=/x", "SYSTEMD_EFI_OPTIONS=a", "A=b"}));
}

}  // namespace
}  // namespace cfs
