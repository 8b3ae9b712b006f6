// SPDX-License-Identifier: Apache-2.0
// What each part of the project installs: the lists that packages and image builders rely on.
#include <gmock/gmock.h>

#include <algorithm>

#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

struct Component {
  const char* name;
  std::vector<std::string> files;  // seen from /usr
};
void PrintTo(const Component& component, std::ostream* stream) {
  *stream << component.name;
}

// Seen from /usr.
std::vector<std::string> files_below(const std::filesystem::path& root) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    std::string path = entry.path().lexically_relative(root / "usr");
    if (entry.is_symlink()) {
      path += " -> " + std::filesystem::read_symlink(entry.path()).string();
    } else if (entry.is_directory()) {
      continue;
    }
    files.push_back(std::move(path));
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> installed(const std::string& component) {
  const Workshop workshop;
  install(component, workshop.path());
  return files_below(workshop.path());
}

class Install : public ::testing::TestWithParam<Component> {};

TEST_P(Install, GivesWhatItsPlaceNeeds) {
  EXPECT_THAT(installed(GetParam().name), UnorderedElementsAreArray(GetParam().files));
}

// What a unit executes is there, and so is what a link leads to.
TEST_P(Install, LacksNothingThatItNames) {
  const Workshop workshop;
  install(GetParam().name, workshop.path());
  for (const std::string& file : files_below(workshop.path())) {
    const auto path = (workshop / "usr" / file.substr(0, file.find(" -> "))).lexically_normal();
    EXPECT_TRUE(std::filesystem::exists(path)) << file;
    if (!path.string().ends_with(".service")) {
      continue;
    }
    constexpr std::string_view key = "\nExecStart=/";
    const std::string unit = read_bytes(path);
    const auto at = unit.find(key);
    ASSERT_NE(at, std::string::npos) << file;
    const auto program = at + key.size();
    EXPECT_TRUE(std::filesystem::exists(workshop /
                                        unit.substr(program, unit.find_first_of(" \n", program) - program)))
        << file;
  }
}

std::string link(const std::string& name, const std::string& target) {
  return name + " -> " + target;
}

// With the pages about formats, codes and speed.
std::vector<std::string> and_pages(std::vector<std::string> files) {
  for (const char* page :
       {"man5/composefs-root-manifest.5", "man5/composefs-root-policy.5", "man5/composefs-root-report.5",
        "man7/composefs-root-codes.7", "man7/composefs-root-speed.7"}) {
    files.push_back(std::string("share/man/") + page);
  }
  return files;
}

const Component components[] = {
    {"initrd",
     {"lib/composefs-root/composefs-root",
      link("lib/systemd/system-generators/composefs-root-generator", "../../composefs-root/composefs-root"),
      "lib/systemd/system/composefs-root-failure.service",
      "lib/systemd/system/composefs-root-guard-switch.service",
      "lib/systemd/system/composefs-root-guard.service",
      link("lib/systemd/system/initrd-root-fs.target.requires/composefs-root-guard.service",
           "../composefs-root-guard.service"),
      link("lib/systemd/system/initrd-switch-root.service.requires/composefs-root-guard-switch.service",
           "../composefs-root-guard-switch.service"),
      "sbin/mount.composefs-root -> ../lib/composefs-root/composefs-root"}},
    {"dracut", and_pages({"lib/dracut/modules.d/90composefs-root/module-setup.sh",
                          "lib/dracut/modules.d/90composefs-root/modules.conf",
                          "share/man/man8/composefs-root-generator.8", "share/man/man8/composefs-root.8"})},
    {"initramfs-tools", {"../etc/initramfs/post-update.d/composefs-root"}},
    {"host",
     and_pages(
         {"bin/cfs-sign", "lib/composefs-root/composefs-root",
          "lib/systemd/system-shutdown/composefs-root-shutdown -> ../../composefs-root/composefs-root",
          "lib/systemd/system/composefs-root-check.service", "lib/systemd/system/composefs-root-check.timer",
          "lib/systemd/system/composefs-root-grow.service", "lib/systemd/system/composefs-root-next.service",
          "lib/systemd/system/composefs-root-report.service",
          link("lib/systemd/system/systemd-soft-reboot.service.requires/composefs-root-next.service",
               "../composefs-root-next.service"),
          link("lib/systemd/system/multi-user.target.wants/composefs-root-report.service",
               "../composefs-root-report.service"),
          link("lib/systemd/system/systemd-repart.service.wants/composefs-root-grow.service",
               "../composefs-root-grow.service"),
          link("lib/systemd/system/timers.target.wants/composefs-root-check.timer",
               "../composefs-root-check.timer"),
          "lib/systemd/system/var.mount.d/50-composefs-root.conf", "share/man/man1/cfs-sign.1",
          "share/man/man8/composefs-root.8"})},
    {"sign", and_pages({"bin/cfs-sign", "share/man/man1/cfs-sign.1"})},
};

INSTANTIATE_TEST_SUITE_P(Components, Install, ::testing::ValuesIn(components), [](const auto& component) {
  std::string name = component.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Install, LeavesNothingOutOfItsComponents) {
  EXPECT_THAT(installed("Unspecified"), IsEmpty());
}

}  // namespace
}  // namespace cfs::test
