#include "cfs/selection.hpp"

#include <gtest/gtest.h>

#include "refused_parameters.hpp"

namespace cfs {
namespace {

const DeviceSpec policy_store{DeviceSpec::By::partlabel, "composefs-store"};

Policy policy(CmdlineTrust trust = CmdlineTrust::untrusted_cmdline) {
  Policy policy;
  policy.image_id = "demo";
  policy.store = policy_store;
  policy.cmdline.trust = trust;
  return policy;
}

Result<Selection> selected(std::string_view text, CmdlineTrust trust = CmdlineTrust::untrusted_cmdline) {
  return select(Cmdline::parse(text), policy(trust));
}

void expect_refused(std::string_view text, std::string_view names) {
  const auto selection = selected(text);
  ASSERT_FALSE(selection) << text;
  EXPECT_EQ(selection.error().code(), Code::parameter_refused) << text;
  EXPECT_NE(selection.error().what().find(names), std::string::npos)
      << text << ": " << selection.error().what();
}

TEST(Selection, NothingAskedForIsThePolicy) {
  const auto selection = selected("");
  ASSERT_TRUE(selection);
  EXPECT_EQ(selection->store, policy_store);
  EXPECT_FALSE(selection->image || selection->image_digest || selection->slot || selection->init);
}

TEST(Selection, UsualCommandLinesPass) {
  for (const std::string_view text :
       {"console=ttyS0 panic=-1 loglevel=7 systemd.log_level=debug composefs.slot=current",
        "BOOT_IMAGE=/boot/vmlinuz root=UUID=1234-abcd ro quiet splash",
        "rd.shell=0 rd.emergency=reboot panic=10",
        "rootflags=noatime,x-other rootfstype=ext4 rw systemd.volatile=no",
        "systemd.debug_shell=0 systemd.crash_shell=no systemd.show_status=1 systemd.getty_auto=no",
        "rd.systemd.gpt_auto=0 systemd.gpt_auto=0 systemd.journald.forward_to_console=1",
        "earlycon nokaslr audit=0 selinux=1 ip=dhcp rd.neednet=1 udev.log_level=3 fsck.mode=skip 3",
        "console=tty1 single_cpu=1 emergency_x resumed=1 s390.x=1 loglevel=1"}) {
    const auto selection = selected(text);
    EXPECT_TRUE(selection) << text << ": " << (selection ? "" : selection.error().what());
  }
}

TEST(Selection, StoreComesFromOurParameterThenRootThenThePolicy) {
  const DeviceSpec label{DeviceSpec::By::label, "x"};
  const DeviceSpec path{DeviceSpec::By::path, "/dev/vdb"};
  EXPECT_EQ(selected("composefs.store=LABEL=x root=/dev/vdb")->store, label);
  EXPECT_EQ(selected("root=/dev/vdb composefs.store=LABEL=x")->store, label);
  EXPECT_EQ(selected("root=/dev/vdb")->store, path);
  EXPECT_EQ(selected("root=/dev/vda root=/dev/vdb")->store, path);
  for (const std::string_view keyword :
       {"root=gpt-auto", "root=fstab", "root=off", "root=tmpfs", "root=dissect", "root=", "root"}) {
    EXPECT_EQ(selected(keyword)->store, policy_store) << keyword;
  }
  expect_refused("root=nfs:server:/path", "root=");
  expect_refused("root=live:LABEL=x", "root=");
  expect_refused("root=/etc/passwd", "root=");
  expect_refused("composefs.store=gpt-auto", "composefs.store=");
}

TEST(Selection, Image) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(selected("composefs.image=demo-1.0")->image, "demo-1.0");
  EXPECT_FALSE(selected("composefs.image=demo-1.0")->image_digest);
  EXPECT_EQ(selected("composefs.image=" + digest)->image_digest, Digest::parse(digest).value());
  EXPECT_FALSE(selected("composefs.image=" + digest)->image);
  for (const std::string_view value : {"../x", "a/b", ".x", "sha256:abc", "sha1:aa", "a:b"}) {
    expect_refused("composefs.image=" + std::string(value), "composefs.image=");
  }
}

TEST(Selection, SlotAndInit) {
  for (const std::string_view slot : {"next", "current", "previous"}) {
    EXPECT_EQ(selected("composefs.slot=" + std::string(slot))->slot, slot);
  }
  expect_refused("composefs.slot=../current", "composefs.slot=");
  expect_refused("composefs.slot=Current", "composefs.slot=");
  EXPECT_EQ(selected("init=/sbin/other")->init, "/sbin/other");
}

TEST(Selection, UnknownOrEmptyParametersOfOursAreRefusedUnderEitherTrust) {
  for (const std::string_view text :
       {"composefs.slots=next", "composefs.verity=0", "composefs.digest=sha256:00", "composefs.", "composefs",
        "composefs=abc", "composefs=?abc", "composefs.store=", "composefs.image", "composefs.slot="}) {
    expect_refused(text, text.substr(0, text.find('=')));
    EXPECT_FALSE(selected(text, CmdlineTrust::signed_cmdline)) << text;
  }
  EXPECT_TRUE(selected("composefs-root=1 xcomposefs.y=1 COMPOSEFS.x=1"));
}

TEST(Selection, UntrustedCommandLineMayNotRunOrMountAnything) {
  for (const std::string_view text : test::refused_parameters) {
    expect_refused(text, text.substr(0, text.find('=')));
    expect_refused("quiet " + std::string(text) + " ro", text.substr(0, text.find('=')));
    expect_refused("quiet -- " + std::string(text), text.substr(0, text.find('=')));
    EXPECT_TRUE(selected(text, CmdlineTrust::signed_cmdline)) << text;
  }
}

TEST(Selection, NoCommandLineMayAskForAnotherRoot) {
  for (const std::string_view text :
       {"roothash=00", "roothash", "rd.roothash=00", "systemd.volatile", "systemd.volatile=yes",
        "systemd.volatile=overlay", "systemd.volatile=no systemd.volatile=state"}) {
    expect_refused(text, text.substr(0, text.find_first_of("= ")));
    EXPECT_FALSE(selected(text, CmdlineTrust::signed_cmdline)) << text;
  }
}

TEST(Selection, QuotingDoesNotHideAParameter) {
  expect_refused("\"systemd.debug_shell\"", "systemd.debug_shell");
  expect_refused("systemd.\"debug_shell\"", "systemd.debug_shell");
  expect_refused("\"systemd.run=/bin/sh -c x\"", "systemd.run");
  expect_refused("sys\"\"ctl.kernel.modprobe=/x", "sysctl.kernel.modprobe");
  expect_refused("a\xa0sysctl.kernel.modprobe=/x", "sysctl.kernel.modprobe");
  // systemd would take these for systemd.debug_shell and systemd.run.
  expect_refused("'systemd.debug_shell'", "'systemd.debug_shell'");
  expect_refused("systemd.debug\\_shell", "systemd.debug\\_shell");
  expect_refused("x='a systemd.run=/bin/sh'", "x");
}

TEST(Selection, OffValuesAreWholeWords) {
  EXPECT_TRUE(selected("rd.shell=off"));
  expect_refused("rd.shell=", "rd.shell");
  expect_refused("rd.shell=0x", "rd.shell");
  expect_refused("rd.shell=0 rd.shell=1", "rd.shell");
}

}  // namespace
}  // namespace cfs
