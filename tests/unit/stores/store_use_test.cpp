// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_use.hpp"

#include <gtest/gtest.h>

#include "unit/small_store.hpp"

namespace cfs {
namespace {

class Use : public ::testing::Test {
 protected:
  // The objects that the image needs, and what is wrong with it.
  std::pair<std::set<std::string>, std::vector<Error>> use(const Digest& image) {
    const StoreContents contents = read_store(store_.path()).value();
    StoreUse use(contents, store_.path());
    auto problems = use.add_image(image);
    EXPECT_TRUE(use.add_image(image).empty());
    std::set<std::string> needed;
    for (std::size_t i = 0; i < contents.objects.size(); ++i) {
      if (use.needed(i)) {
        needed.insert(contents.objects[i].path);
      }
    }
    return {needed, problems};
  }

  SmallStore store_;
  Digest image_ = store_.compose({{"a", content_a}, {"d/b", content_b}, {"inline", "short"}});
};

TEST_F(Use, IsOfTheImageAndWhatItNames) {
  (void)store_.compose({{"c", content_c}});
  const auto [needed, problems] = use(image_);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(needed, (std::set<std::string>{SmallStore::object(content_a), SmallStore::object(content_b),
                                           SmallStore::object(image_)}));
}

TEST_F(Use, NamesWhatIsMissing) {
  std::filesystem::remove(store_.path(SmallStore::object(content_b)));
  const auto [needed, problems] = use(image_);
  EXPECT_EQ(needed.size(), 2U);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].code(), Code::object_missing);
  EXPECT_NE(problems[0].what().find("/d/b"), std::string::npos) << problems[0].what();
}

TEST_F(Use, NamesWhatHasAnotherSize) {
  store_.write(SmallStore::object(content_a), "cut");
  const auto [needed, problems] = use(image_);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].code(), Code::object_damaged);
}

TEST_F(Use, ShouldFailWithoutTheImage) {
  std::filesystem::remove(store_.path(SmallStore::object(image_)));
  const auto [needed, problems] = use(image_);
  EXPECT_TRUE(needed.empty());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].code(), Code::image_missing);
}

TEST_F(Use, ShouldFailOnAnObjectThatIsNoImage) {
  const auto [needed, problems] = use(compute_verity(content_a).value());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].code(), Code::image_malformed);
}

}  // namespace
}  // namespace cfs
