// SPDX-License-Identifier: Apache-2.0
#include "cfs/state/state.hpp"

#include <gtest/gtest.h>

#include "cfs/base/file.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

TEST(MachineIdText, IsWhatMachineIdFivePrescribes) {
  EXPECT_TRUE(is_machine_id("0123456789abcdef0123456789abcdef\n"));
  for (const char* bad : {"", "\n", "uninitialized\n", "0123456789abcdef0123456789abcdef",
                          "0123456789ABCDEF0123456789abcdef\n", "0123456789abcdef0123456789abcdef\n\n",
                          "0123456789abcdef0123456789abcde\n", "0123456789abcdef0123456789abcdefa\n",
                          "01234567-9abc-ef01-2345-6789abcdef12\n", "00000000000000000000000000000000\n"}) {
    EXPECT_FALSE(is_machine_id(bad)) << bad;
  }
}

TEST(MachineIdOutcome, HasAName) {
  EXPECT_EQ(name(MachineId::unmanaged), "unmanaged");
  EXPECT_EQ(name(MachineId::kept), "kept");
  EXPECT_EQ(name(MachineId::created), "created");
}

// An image, the root that was composed of it, and a disk for what persists. Each test boots them in processes
// of their own, which have a private namespace.
class SetUpState : public PrivateMounts {
 protected:
  void SetUp() override {
    PrivateMounts::SetUp();
    if (IsSkipped()) {
      return;
    }
    for (const char* name : {"objects", "disk", "root/etc", "root/var", "image/etc", "image/var"}) {
      (void)make_directory(name);
    }
    directory_.write("image/etc/hosts", "of the image");
    directory_.write("image/var/lib/a", "of the image");
    directory_.write("root/var/lib/a", "of the image");
    directory_.write("root/etc/machine-id", "");
  }

  // What a boot makes of the request, and whether what is looked at afterwards, in its namespace, is as
  // expected.
  template <class Look>
  [[nodiscard]] bool boots(StateRequest request, bool with_disk, Look look) {
    return holds_in_a_process([&] {
      Kernel kernel;
      PrivateNamespace workspace = PrivateNamespace::enter(kernel).value();
      const auto open = [&](const char* name) { return open_directory(directory_.path(name)).value(); };
      const Fd disk = open("disk");
      request.file_system = with_disk ? &disk : nullptr;
      const auto outcome =
          set_up_state(kernel, workspace, open("image"), open("objects"), open("root"), request);
      look(outcome);
    });
  }
  template <class Look>
  [[nodiscard]] bool is_set_up(const StateRequest& request, bool with_disk, Look look) {
    return boots(request, with_disk, [&](const Result<StateOutcome>& outcome) {
      ASSERT_TRUE(outcome) << outcome.error().line();
      look(*outcome);
    });
  }
  [[nodiscard]] std::string root(const std::string& name) const { return directory_.path("root/" + name); }
  [[nodiscard]] std::string disk(const std::string& name) const {
    return directory_.path("disk/composefs-state/" + name);
  }
  // 0, or why the file cannot be written.
  static int write(const std::string& path) {
    std::ofstream file(path);
    file << "changed";
    return file.flush() ? 0 : errno;
  }
};

TEST_F(SetUpState, NothingIsMountedWhereNothingIsAskedFor) {
  EXPECT_TRUE(
      is_set_up({.etc = EtcMode::none, .var = VarMode::none}, false, [&](const StateOutcome& outcome) {
        EXPECT_EQ(outcome.machine_id, MachineId::unmanaged);
        EXPECT_EQ(outcome.etc_upper, EtcUpper::none);
        EXPECT_FALSE(outcome.factory_reset);
        for (const char* path : {"etc", "etc/machine-id", "var"}) {
          EXPECT_FALSE(mount_at(root(path))) << path;
        }
      }));
}

TEST_F(SetUpState, WhatPersistsNeedsAPlace) {
  for (const StateRequest& request : {StateRequest{.etc = EtcMode::overlay, .var = VarMode::none},
                                      StateRequest{.etc = EtcMode::none, .var = VarMode::bind}}) {
    EXPECT_TRUE(boots(request, false, [&](const Result<StateOutcome>& outcome) {
      ASSERT_FALSE(outcome);
      EXPECT_EQ(outcome.error().code(), Code::state_failed);
      EXPECT_FALSE(mount_at(root("var")));
    }));
  }
}

TEST_F(SetUpState, TheMachineIdIsBoundReadOnly) {
  const StateRequest request{.etc = EtcMode::none, .var = VarMode::none};
  for (const auto expected : {MachineId::created, MachineId::kept}) {
    EXPECT_TRUE(is_set_up(request, true, [&](const StateOutcome& outcome) {
      EXPECT_EQ(outcome.machine_id, expected);
      const std::string id = read_bytes(root("etc/machine-id"));
      EXPECT_TRUE(is_machine_id(id)) << id;
      EXPECT_EQ(id, read_bytes(disk("machine-id")));
      EXPECT_EQ(id[12], '4');  // a UUID of version 4
      EXPECT_NE(std::string_view("89ab").find(id[16]), std::string_view::npos) << id;
      const auto mount = mount_at(root("etc/machine-id")).value_or(MountLine());
      EXPECT_TRUE(mount.has("ro")) << mount.options;
      EXPECT_EQ(write(root("etc/machine-id")), EROFS);
    }));
  }
  const std::string first = read_bytes(disk("machine-id"));
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(disk("machine-id")).permissions()), 0444U);
  std::filesystem::remove(disk("machine-id"));
  directory_.write("disk/composefs-state/machine-id", "uninitialized\n");
  directory_.write("disk/composefs-state/.machine-id.new", "of a boot that was interrupted");
  EXPECT_TRUE(is_set_up(request, true, [&](const StateOutcome& outcome) {
    EXPECT_EQ(outcome.machine_id, MachineId::created);
    EXPECT_NE(read_bytes(root("etc/machine-id")), first);
  }));
  EXPECT_FALSE(std::filesystem::exists(disk(".machine-id.new")));
}

TEST_F(SetUpState, TheImageMustHaveAFileForTheMachineId) {
  std::filesystem::remove(root("etc/machine-id"));
  EXPECT_TRUE(
      boots({.etc = EtcMode::none, .var = VarMode::none}, true, [&](const Result<StateOutcome>& outcome) {
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().what(),
                  "the image needs an empty /etc/machine-id: etc/machine-id: No such file or directory");
      }));
}

TEST_F(SetUpState, VarIsBoundWithItsLimits) {
  for (const bool limited : {true, false}) {
    const StateRequest request{.etc = EtcMode::none,
                               .var = VarMode::bind,
                               .var_limits = {.noexec = limited, .nosymfollow = limited}};
    EXPECT_TRUE(is_set_up(request, true, [&](const StateOutcome&) {
      EXPECT_EQ(read_bytes(root("var/lib/a")), limited ? "of the image" : "changed");
      EXPECT_EQ(write(root("var/lib/a")), 0);
      const auto mount = mount_at(root("var")).value_or(MountLine());
      EXPECT_EQ(mount.has("noexec"), limited) << mount.options;
      EXPECT_EQ(mount.has("nosymfollow"), limited) << mount.options;
    }));
    EXPECT_EQ(read_bytes(disk("var/lib/a")), "changed");
  }
  EXPECT_EQ(read_bytes(root("var/lib/a")), "of the image");
}

TEST_F(SetUpState, AFactoryResetIsTold) {
  directory_.write("disk/composefs-state/factory-reset", "");
  directory_.write("disk/composefs-state/machine-id", "0123456789abcdef0123456789abcdef\n");
  EXPECT_TRUE(is_set_up({.etc = EtcMode::none, .var = VarMode::none}, true, [&](const StateOutcome& outcome) {
    EXPECT_TRUE(outcome.factory_reset);
    EXPECT_EQ(outcome.machine_id, MachineId::created);
  }));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path("disk/composefs-trash")));
}

TEST_F(SetUpState, WhatIsTransientIsGoneWithTheBoot) {
  if (!run_by_root) {
    GTEST_SKIP() << "needs root, to mount an overlay";
  }
  const StateRequest request{.var_limits = {.noexec = true, .nosymfollow = true}};
  for (const bool with_disk : {false, true}) {
    EXPECT_TRUE(is_set_up(request, with_disk, [&](const StateOutcome& outcome) {
      EXPECT_EQ(outcome.machine_id, with_disk ? MachineId::created : MachineId::unmanaged);
      EXPECT_EQ(outcome.etc_upper, EtcUpper::none);
      EXPECT_EQ(read_bytes(root("etc/hosts")), "of the image");
      EXPECT_EQ(write(root("etc/hosts")), 0);
      EXPECT_EQ(write(root("var/lib/a")), 0);
      EXPECT_EQ(read_bytes(root("etc/machine-id")), with_disk ? read_bytes(disk("machine-id")) : "");
      const auto etc = mount_at(root("etc")).value_or(MountLine());
      const auto var = mount_at(root("var")).value_or(MountLine());
      for (const MountLine& mount : {etc, var}) {
        EXPECT_EQ(mount.type, "overlay");
        EXPECT_TRUE(mount.has("nodev") && mount.has("nosuid") && mount.has("rw")) << mount.options;
        EXPECT_TRUE(mount.superblock_has("verity=require")) << mount.superblock;
      }
      EXPECT_TRUE(var.has("noexec") && var.has("nosymfollow")) << var.options;
      EXPECT_FALSE(etc.has("noexec") || etc.has("nosymfollow")) << etc.options;
    }));
  }
  EXPECT_EQ(read_bytes(directory_.path("image/etc/hosts")), "of the image");
  EXPECT_EQ(read_bytes(root("var/lib/a")), "of the image");
  EXPECT_FALSE(std::filesystem::exists(disk("etc")) || std::filesystem::exists(disk("var")));
}

TEST_F(SetUpState, AnEtcThatIsKeptIsThereAtTheNextBoot) {
  if (!run_by_root) {
    GTEST_SKIP() << "needs root, to mount an overlay";
  }
  const StateRequest request{.etc = EtcMode::overlay, .var = VarMode::none};
  for (const auto expected : {EtcUpper::created, EtcUpper::kept}) {
    EXPECT_TRUE(is_set_up(request, true, [&](const StateOutcome& outcome) {
      EXPECT_EQ(outcome.etc_upper, expected);
      EXPECT_EQ(read_bytes(root("etc/hosts")), expected == EtcUpper::created ? "of the image" : "changed");
      EXPECT_EQ(write(root("etc/hosts")), 0);
      EXPECT_EQ(read_bytes(root("etc/machine-id")), read_bytes(disk("machine-id")));
      const auto etc = mount_at(root("etc")).value_or(MountLine());
      EXPECT_TRUE(etc.has("nodev") && etc.has("nosuid")) << etc.options;
      EXPECT_FALSE(mount_at(root("var")));
    }));
  }
}

}  // namespace
}  // namespace cfs
