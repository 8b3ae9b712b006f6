// SPDX-License-Identifier: Apache-2.0
// Images of random trees beside those of mkcomposefs. Needs root, to make files of every kind.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>

#include "golden/oracle.hpp"
#include "golden/random_tree.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

constexpr std::uint64_t batches = 8;  // that may run side by side

class RandomTrees : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomTrees, GiveTheImagesOfMkcomposefs) {
  const std::uint64_t trees = full_run() ? 2000 : 200;
  for (std::uint64_t seed = GetParam(); seed < trees && !HasFailure(); seed += batches) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    try {
      const Workshop workshop;
      const auto tree = workshop / "tree";
      std::filesystem::create_directory(tree);
      make_random_tree(tree, seed);
      expect_equal_images(tree, "/dev/shm");  // where flushing hundreds of stores costs nothing
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Batch, RandomTrees, ::testing::Range<std::uint64_t>(0, batches));

}  // namespace
}  // namespace cfs::test
