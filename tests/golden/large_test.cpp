// SPDX-License-Identifier: Apache-2.0
// Images of what is large, beside those of mkcomposefs; larger with CFS_FULL, which tests/run --full sets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "cfs/base/fd.hpp"
#include "golden/oracle.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;

TEST(Large, DirectoryGivesTheImageOfMkcomposefs) {
  // In memory, where that is large enough: the time goes into the file system's journal otherwise.
  const fs::path where = full_run() ? fs::temp_directory_path() : "/dev/shm";
  const Workshop workshop(where);
  fs::create_directories(workshop / "tree/directory");
  const Fd directory(::open((workshop / "tree/directory").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(directory);
  for (int left = full_run() ? 1000000 : 20000; left > 0; --left) {
    ASSERT_EQ(::mknodat(directory.get(), std::to_string(left).c_str(), S_IFREG | 0644, 0), 0);
  }
  expect_equal_images(workshop / "tree", where);
}

// Only the digest: in a store it would take its whole size.
TEST(Large, SparseFileGivesTheDigestOfMkcomposefs) {
  const Workshop workshop("/dev/shm");  // holes cost no memory there when they are read
  fs::create_directory(workshop / "tree");
  write(workshop / "tree/huge", "x");
  fs::resize_file(workshop / "tree/huge", full_run() ? 10000000000 : (1UL << 32) + 1);
  EXPECT_EQ(cfs_sign({"compose", "--digest-only", workshop / "tree"}),
            "sha256:" + must({mkcomposefs(), "--print-digest-only", workshop / "tree"}));
}

}  // namespace
}  // namespace cfs::test
