// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/input_size.hpp"

#include <gtest/gtest.h>

#include "cfs/input/filter.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

TEST(InputSize, CountsRegularFilesThatAreNotExcluded) {
  const TempDirectory root;
  root.write("a/one", std::string(1000, 'x'));
  root.write("a/b/two", std::string(500, 'x'));
  root.write("cache/three", std::string(70, 'x'));
  root.write("a/four.pyc", "x");
  root.link("a/link", "one");
  for (const std::string& path : {root.path(), root.path() + '/'}) {
    const auto all = count_input(path, Exclusions(), {});
    ASSERT_TRUE(all);
    EXPECT_EQ(all->files, 4U);
    EXPECT_EQ(all->bytes, 1571U);
    const auto some = count_input(path, Exclusions({"cache", "*.pyc"}), {});
    ASSERT_TRUE(some);
    EXPECT_EQ(some->files, 2U);
    EXPECT_EQ(some->bytes, 1500U);
  }
}

TEST(InputSize, GivesNothingWhenItIsStoppedOrThereIsNothing) {
  const TempDirectory root;
  root.write("a", "x");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(count_input(root.path(), Exclusions(), stop.get_token()));
  EXPECT_FALSE(count_input(root.path("nowhere"), Exclusions(), {}));
}

}  // namespace
}  // namespace cfs
