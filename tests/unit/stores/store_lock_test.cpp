// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/store_lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using Kind = StoreLock::Kind;

class Lock : public ::testing::Test {
 protected:
  // Whether a lock of kind `second` waits while one of kind `first` is held.
  bool waits(Kind first, Kind second) {
    std::atomic<bool> got = false;
    bool waited = false;
    std::jthread other;
    {
      const StoreLock lock = StoreLock::wait(directory_, first).value();
      other = std::jthread([&] {
        const auto mine = StoreLock::wait(directory_, second);
        got = mine.has_value();
      });
      for (int i = 0; i < 50 && !got; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(4));
      }
      waited = !got;
    }
    other.join();
    EXPECT_TRUE(got);
    return waited;
  }

  TempDirectory store_;
  std::string object_ = store_.write("objects/x", "");
  Fd directory_ = open_directory(store_.path()).value();
};

TEST_F(Lock, WritersWorkBesideEachOther) {
  EXPECT_FALSE(waits(Kind::shared, Kind::shared));
}

TEST_F(Lock, NobodyWorksBesideOneWhoRemoves) {
  EXPECT_TRUE(waits(Kind::shared, Kind::exclusive));
  EXPECT_TRUE(waits(Kind::exclusive, Kind::shared));
  EXPECT_TRUE(waits(Kind::exclusive, Kind::exclusive));
}

TEST(LockFailure, ShouldFailWithoutAStore) {
  const TempDirectory empty;
  const auto lock = StoreLock::wait(open_directory(empty.path()).value(), Kind::shared);
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().code(), Code::store_malformed);
}

}  // namespace
}  // namespace cfs
