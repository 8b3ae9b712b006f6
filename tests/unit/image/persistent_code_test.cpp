// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/persistent_code.hpp"

#include <gtest/gtest.h>

#include "cfs/base/text.hpp"
#include "cfs/input/dump_parser.hpp"

namespace cfs {
namespace {

constexpr std::string_view directories =
    "/ 0 40755 2 0 0 0 1.0 - - -\n"
    "/etc 0 40755 2 0 0 0 1.0 - - -\n"
    "/etc/systemd 0 40755 2 0 0 0 1.0 - - -\n"
    "/etc/systemd/system 0 40755 2 0 0 0 1.0 - - -\n"
    "/etc/systemd/system/sysinit.target.wants 0 40755 2 0 0 0 1.0 - - -\n"
    "/usr 0 40755 2 0 0 0 1.0 - - -\n"
    "/usr/bin 0 40755 2 0 0 0 1.0 - - -\n"
    "/usr/lib 0 40755 2 0 0 0 1.0 - - -\n"
    "/usr/lib/systemd 0 40755 2 0 0 0 1.0 - - -\n"
    "/usr/lib/systemd/system 0 40755 2 0 0 0 1.0 - - -\n";

std::string file(std::string_view path) {
  return cat(path, " 5 100644 1 0 0 0 1.0 - hello -\n");
}
std::string link(std::string_view path, std::string_view target) {
  return cat(path, ' ', target.size(), " 120777 1 0 0 0 1.0 ", target, " - -\n");
}

// "WHAT: FOUND" of each, a line each.
std::string found(std::string_view lines, EtcMode etc = EtcMode::transient, VarMode var = VarMode::bind) {
  const FileTree tree = parse_dump(cat(directories, lines)).value();
  std::string out;
  for (const PersistentCode& code : find_persistent_code(tree, etc, var)) {
    EXPECT_FALSE(code.means.empty());
    out += cat(code.what, ": ", code.found, '\n');
  }
  return out;
}

TEST(PersistentCode, IsWhatAServiceOfTheImageExecutes) {
  EXPECT_EQ(found(""), "");
  EXPECT_EQ(found(file("/usr/lib/systemd/system/cron.service")),
            "cron: /usr/lib/systemd/system/cron.service\n");
  EXPECT_EQ(found(file("/etc/systemd/system/atd.service") + file("/usr/bin/podman")),
            "at: /etc/systemd/system/atd.service\nPodman: /usr/bin/podman\n");
}

TEST(PersistentCode, IsNoServiceThatIsMasked) {
  EXPECT_EQ(found(link("/etc/systemd/system/cron.service", "/dev/null") +
                  file("/usr/lib/systemd/system/cron.service")),
            "");
}

// Every image with systemd has the unit.
TEST(PersistentCode, IsAnExtensionOnlyWhereTheServiceIsEnabled) {
  const std::string unit = file("/usr/lib/systemd/system/systemd-sysext.service");
  EXPECT_EQ(found(unit), "");
  EXPECT_EQ(found(unit + link("/etc/systemd/system/sysinit.target.wants/systemd-sysext.service",
                              "/usr/lib/systemd/system/systemd-sysext.service")),
            "system extensions: /etc/systemd/system/sysinit.target.wants/systemd-sysext.service\n");
}

TEST(PersistentCode, IsWhatLiesBehindALinkIntoVar) {
  EXPECT_EQ(found(link("/root", "var/roothome") + link("/home", "/var/home") +
                  link("/usr/local", "../var/usrlocal")),
            "root's home: /root\nhome directories: /home\n/usr/local: /usr/local\n");
  EXPECT_EQ(found(link("/opt", "usr/opt") + link("/srv", "/various")), "");
  EXPECT_EQ(found(link("/opt", "/var") + file("/srv")), "/opt: /opt\n");
}

TEST(PersistentCode, NeedsAVarThatPersists) {
  const std::string cron = file("/usr/lib/systemd/system/cron.service");
  EXPECT_EQ(found(cron, EtcMode::transient, VarMode::transient), "");
  EXPECT_EQ(found(cron, EtcMode::none, VarMode::none), "");
}

TEST(PersistentCode, IsAllOfAnEtcThatPersists) {
  EXPECT_EQ(found("", EtcMode::overlay, VarMode::transient), "a persistent /etc: /etc\n");
}

}  // namespace
}  // namespace cfs
