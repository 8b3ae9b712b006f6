// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "cfs/tool/progress.hpp"
#include "unit/small_store.hpp"

namespace cfs {
namespace {

class Check : public ::testing::Test {
 protected:
  Check() {
    store_.add_manifest("demo", image_);
    store_.set_slot("current", "demo");
  }

  StoreReport check() {
    Progress progress("checking", -1);
    return check_store(store_.path(), progress).value();
  }

  // The codes of the problems, in order.
  std::vector<Code> codes() {
    std::vector<Code> codes;
    for (const Error& problem : check().problems) {
      codes.push_back(problem.code());
    }
    return codes;
  }

  SmallStore store_;
  Digest image_ = store_.compose({{"a", content_a}, {"b", content_b}});
};

TEST_F(Check, FindsNothingWrongWithASoundStore) {
  const StoreReport report = check();
  EXPECT_TRUE(report.problems.empty()) << report.problems.front().what();
  EXPECT_EQ(report.objects, 3U);
  EXPECT_GT(report.bytes, 2000U);
  EXPECT_EQ(report.images, 1U);
  EXPECT_EQ(report.orphans, 0U);
  EXPECT_TRUE(report.leftovers.empty());
}

TEST_F(Check, CountsOrphansAndTemporaryFiles) {
  store_.write(SmallStore::object(content_c), content_c);
  store_.write("objects/.17.0.tmp", "half");
  const StoreReport report = check();
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.orphans, 1U);
  EXPECT_EQ(report.orphan_bytes, content_c.size());
  EXPECT_EQ(report.leftovers, std::vector<std::string>{"objects/.17.0.tmp"});
}

TEST_F(Check, FindsEveryDamagedObject) {
  std::string damaged = content_a;
  damaged[500] = 'x';
  store_.write(SmallStore::object(content_a), damaged);
  store_.write(SmallStore::object(content_b), damaged);
  const StoreReport report = check();
  ASSERT_EQ(report.problems.size(), 2U);
  std::string first = SmallStore::object(content_a);
  std::string second = SmallStore::object(content_b);
  if (second < first) {
    std::swap(first, second);
  }
  EXPECT_EQ(report.problems[0].code(), Code::object_damaged);
  EXPECT_TRUE(report.problems[0].what().starts_with(first)) << report.problems[0].what();
  EXPECT_TRUE(report.problems[1].what().starts_with(second)) << report.problems[1].what();
}

TEST_F(Check, FindsAMissingObject) {
  std::filesystem::remove(store_.path(SmallStore::object(content_a)));
  EXPECT_EQ(codes(),
            std::vector{Code::object_missing});  // once, though a manifest and images/ name the image
}

TEST_F(Check, FindsDanglingLinks) {
  std::filesystem::remove(store_.path("manifests/demo.toml"));
  EXPECT_EQ(codes(), std::vector{Code::manifest_missing});
  std::filesystem::remove(store_.path(SmallStore::object(image_)));
  EXPECT_EQ(codes(), (std::vector{Code::image_missing, Code::manifest_missing}));
}

TEST_F(Check, FindsASlotWithoutSignatures) {
  std::filesystem::remove(store_.path("manifests/demo.toml.sig"));
  EXPECT_EQ(codes(), std::vector{Code::signature_missing});
}

TEST_F(Check, FindsAMalformedManifest) {
  store_.write("manifests/other.toml", "format = 2\n");
  EXPECT_EQ(codes(), std::vector{Code::manifest_malformed});
}

TEST_F(Check, GoesOnAfterWhatIsNotPartOfAStore) {
  store_.write("README", "");
  store_.write("objects/aa/note", "");
  store_.write(SmallStore::object(content_b), "cut");
  // The object is damaged, and not as long as its image says.
  EXPECT_EQ(codes(), (std::vector{Code::store_malformed, Code::store_malformed, Code::object_damaged,
                                  Code::object_damaged}));
}

TEST(CheckFailure, ShouldFailWithoutAStore) {
  const TempDirectory empty;
  Progress progress("checking", -1);
  EXPECT_EQ(check_store(empty.path(), progress).error().code(), Code::store_malformed);
  EXPECT_EQ(check_store(empty.path("missing"), progress).error().code(), Code::not_found);
}

}  // namespace
}  // namespace cfs
