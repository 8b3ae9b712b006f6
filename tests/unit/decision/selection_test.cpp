// SPDX-License-Identifier: Apache-2.0
#include "cfs/decision/selection.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

const DeviceSpec policy_store{DeviceSpec::By::partlabel, "composefs-store"};

Result<Selection> selected(std::string_view text) {
  Policy policy;
  policy.store = policy_store;
  return select(Cmdline::parse(text), policy);
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
  expect_refused("composefs.store=LABEL=x root=/dev/$(reboot)x", "root=");
  expect_refused("composefs.store=", "composefs.store=");
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

}  // namespace
}  // namespace cfs
