// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/read_ahead.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "cfs/store/boot_profile.hpp"
#include "cfs/store/layout.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

constexpr std::size_t block = boot_profile_block_size;
constexpr std::size_t blocks = 600;

class ReadAhead : public ::testing::Test {
 protected:
  ReadAhead() {
    std::filesystem::create_directories(directory_.path("objects"));
    file_ = Fd(
        ::open(directory_.write("objects/" + digest_.object_path(), std::string(blocks * block, 'x')).c_str(),
               O_RDWR | O_CLOEXEC));
    EXPECT_EQ(::fsync(file_.get()), 0);
    EXPECT_EQ(::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
  }
  [[nodiscard]] Store store() const { return Store::open(directory_.path()).value(); }
  void write_profile(const BootProfile& profile) const {
    directory_.write(store_layout::profile_path(digest_), format_boot_profile(profile));
  }

  // Those of the object that are in memory.
  [[nodiscard]] std::vector<std::size_t> in_memory() const {
    void* const address = ::mmap(nullptr, blocks * block, PROT_READ, MAP_SHARED, file_.get(), 0);
    std::vector<unsigned char> pages(blocks);
    EXPECT_EQ(::mincore(address, blocks * block, pages.data()), 0);
    ::munmap(address, blocks * block);
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < blocks; ++i) {
      if ((pages[i] & 1) != 0) {
        found.push_back(i);
      }
    }
    return found;
  }
  [[nodiscard]] std::vector<std::size_t> in_memory_at_last(std::size_t expected) const {
    for (int tries = 0; tries < 500 && in_memory().size() < expected; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return in_memory();
  }

  const TempDirectory directory_;
  const Digest digest_ = Digest::parse("sha256:" + std::string(64, 'a')).value();
  Fd file_;
};

TEST_F(ReadAhead, ReadsWhatTheProfileNamesAndNothingElse) {
  // The second is larger than one request can be.
  write_profile({.image = digest_, .objects = {{digest_, {{3, 2}, {100, 400}, {599, 1}}}}});
  ASSERT_TRUE(start_read_ahead(store(), digest_, "/nonexistent"));
  std::vector<std::size_t> expected{3, 4};
  for (std::size_t i = 100; i < 500; ++i) {
    expected.push_back(i);
  }
  expected.push_back(599);
  EXPECT_EQ(in_memory_at_last(expected.size()), expected);
  EXPECT_GT(::wait(nullptr), 0);
}

TEST_F(ReadAhead, IsNotStartedWithoutAProfile) {
  EXPECT_FALSE(start_read_ahead(store(), digest_, "/nonexistent"));
  directory_.write("outside", "");
  directory_.link(store_layout::profile_path(digest_), "../outside");
  EXPECT_FALSE(start_read_ahead(store(), digest_, "/nonexistent"));
  EXPECT_EQ(::wait(nullptr), -1);
}

TEST_F(ReadAhead, PassesOverWhatIsNotThere) {
  const Digest absent = Digest::parse("sha256:" + std::string(64, 'b')).value();
  write_profile({.image = digest_, .objects = {{absent, {{0, 1}}}, {digest_, {{0, 1}, {5000, 1}}}}});
  ASSERT_TRUE(start_read_ahead(store(), digest_, "/nonexistent"));
  EXPECT_EQ(in_memory_at_last(1), std::vector<std::size_t>{0});
  EXPECT_GT(::wait(nullptr), 0);
}

}  // namespace
}  // namespace cfs
