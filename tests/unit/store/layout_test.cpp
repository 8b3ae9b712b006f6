// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/layout.hpp"

#include <gtest/gtest.h>

namespace cfs {
namespace {

const Digest digest = *Digest::parse("sha256:" + std::string(62, 'a') + "0f");

TEST(StoreLayout, NamesWhatAStoreHolds) {
  const std::string object = "objects/aa/" + std::string(60, 'a') + "0f";
  EXPECT_EQ(store_layout::object_path(digest), object);
  EXPECT_EQ(store_layout::image_path(digest), "images/" + digest.hex());
  EXPECT_EQ(store_layout::image_link(digest), "../" + object);
  EXPECT_EQ(store_layout::manifest_path("demo"), "manifests/demo.toml");
  EXPECT_EQ(store_layout::signature_path("demo"), "manifests/demo.toml.sig");
  EXPECT_EQ(store_layout::profile_path(digest), "profiles/" + digest.hex());
  EXPECT_EQ(store_layout::slot_link("demo"), "../manifests/demo.toml");
}

TEST(StoreLayout, ReadsNamesOfManifests) {
  EXPECT_EQ(store_layout::parse_slot_link("../manifests/demo.toml"), "demo");
  EXPECT_EQ(store_layout::parse_slot_link("../manifests/a.toml.toml"), "a.toml");
  EXPECT_EQ(store_layout::parse_manifest_file("demo.toml"), "demo");
  EXPECT_EQ(store_layout::parse_manifest_file("a.sig.toml"), "a.sig");
  EXPECT_EQ(store_layout::parse_signature_file("demo.toml.sig"), "demo");
}

TEST(StoreLayout, TakesNothingElseForOne) {
  for (const char* link :
       {"", "demo", "demo.toml", "../manifests/.toml", "../manifests/demo", "../manifests/",
        "../manifests.toml", "../manifests/../demo.toml", "../manifests/a/b.toml",
        "../manifests/.hidden.toml", "/manifests/demo.toml", "../manifests/demo.toml/",
        "../manifests/demo.toml.sig", "../../manifests/demo.toml"}) {
    EXPECT_EQ(store_layout::parse_slot_link(link), std::nullopt) << link;
  }
  for (const char* name : {"", ".toml", "toml", "demo.sig", "demo.toml.sig", "../demo.toml", "-demo.toml"}) {
    EXPECT_EQ(store_layout::parse_manifest_file(name), std::nullopt) << name;
  }
  for (const char* name : {"", ".toml.sig", "demo.sig", "demo.toml", "a/b.toml.sig"}) {
    EXPECT_EQ(store_layout::parse_signature_file(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace cfs
