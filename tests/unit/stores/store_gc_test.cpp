// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_gc.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "cfs/store/boot_profile.hpp"
#include "cfs/store/layout.hpp"
#include "cfs/stores/store_check.hpp"
#include "cfs/tool/progress.hpp"
#include "unit/small_store.hpp"

namespace cfs {
namespace {

using Action = GarbageOptions::Action;

class Gc : public ::testing::Test {
 protected:
  Gc() {
    store_.add_manifest("old", old_);
    store_.add_manifest("new", new_);
    store_.set_slot("current", "new");
  }

  Garbage collect(const GarbageOptions& options = {}) {
    auto garbage = collect_garbage(store_.path(), options);
    EXPECT_TRUE(garbage) << garbage.error().line();
    return garbage.value_or(Garbage());
  }

  Code refusal(const GarbageOptions& options = {}) {
    const auto garbage = collect_garbage(store_.path(), options);
    EXPECT_FALSE(garbage);
    EXPECT_TRUE(store_.has(SmallStore::object(content_a)));
    return garbage ? Code::interrupted : garbage.error().code();
  }

  void expect_sound() {
    Progress progress("checking", -1);
    const StoreReport report = check_store(store_.path(), progress).value();
    EXPECT_TRUE(report.problems.empty()) << report.problems.front().what();
    EXPECT_EQ(report.orphans, 0U);
  }

  SmallStore store_;
  Digest old_ = store_.compose({{"a", content_a}, {"b", content_b}});
  Digest new_ = store_.compose({{"b", content_b}, {"c", content_c}});
};

TEST_F(Gc, KeepsWhatSlotsNeed) {
  store_.write("objects/.17.0.tmp", "half");
  store_.write(".git", "not of the store");
  const Garbage garbage = collect();
  EXPECT_EQ(garbage.objects, 2U);
  EXPECT_EQ(garbage.objects_kept, 3U);
  EXPECT_GT(garbage.bytes, content_a.size());
  EXPECT_EQ(garbage.paths.size(),
            6U);  // and two files of the manifest, a link of images/, the temporary file
  for (const std::string& path : garbage.paths) {
    EXPECT_FALSE(store_.has(path)) << path;
  }
  EXPECT_FALSE(store_.has(SmallStore::object(content_a)));
  EXPECT_FALSE(store_.has("images/" + old_.hex()));
  EXPECT_TRUE(store_.has(SmallStore::object(content_b)));
  EXPECT_TRUE(store_.has("manifests/new.toml.sig"));
  EXPECT_TRUE(store_.has(".git"));
  expect_sound();
  EXPECT_TRUE(collect().paths.empty());
}

TEST_F(Gc, LeavesNoEmptyDirectories) {
  collect();
  for (const auto& entry : std::filesystem::directory_iterator(store_.path("objects"))) {
    EXPECT_FALSE(std::filesystem::is_empty(entry)) << entry;
  }
}

TEST_F(Gc, RemovesProfilesOfImagesThatGo) {
  for (const Digest& image : {old_, new_}) {
    store_.write(store_layout::profile_path(image), format_boot_profile({.image = image, .objects = {}}));
  }
  collect();
  EXPECT_FALSE(store_.has(store_layout::profile_path(old_)));
  EXPECT_TRUE(store_.has(store_layout::profile_path(new_)));
}

TEST_F(Gc, KeepsWhatIsNamed) {
  EXPECT_TRUE(collect({.keep = {"old"}}).paths.empty());
  expect_sound();
}

TEST_F(Gc, RemovesNothingWhenItOnlyReports) {
  const Garbage planned = collect({.keep = {}, .action = Action::report});
  for (const std::string& path : planned.paths) {
    EXPECT_TRUE(store_.has(path)) << path;
  }
  EXPECT_EQ(collect().paths, planned.paths);
}

TEST_F(Gc, RemovesWhatNamesBeforeWhatIsNamed) {
  const auto paths = collect().paths;
  const auto is_object = [](const std::string& path) { return path.starts_with("objects/"); };
  EXPECT_TRUE(std::ranges::is_partitioned(paths, std::not_fn(is_object)));
}

TEST_F(Gc, ShouldFailWhenNothingWouldBeKept) {
  std::filesystem::remove(store_.path("slots/current"));
  EXPECT_EQ(refusal(), Code::usage);
}

TEST_F(Gc, ShouldFailWhenWhatIsKeptIsNotThere) {
  EXPECT_EQ(refusal({.keep = {"older"}}), Code::manifest_missing);
  EXPECT_EQ(refusal({.keep = {"../old"}}), Code::usage);
  std::filesystem::remove(store_.path(SmallStore::object(content_c)));
  EXPECT_EQ(refusal(), Code::object_missing);
}

TEST_F(Gc, ShouldFailOnAMalformedManifestThatIsKept) {
  store_.write("manifests/new.toml", "format = 2\n");
  EXPECT_EQ(refusal(), Code::manifest_malformed);
}

TEST_F(Gc, ShouldFailOnWhatItDoesNotKnow) {
  store_.write("objects/notes", "");
  EXPECT_EQ(refusal(), Code::store_malformed);
}

}  // namespace
}  // namespace cfs
