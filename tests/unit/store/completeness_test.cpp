// SPDX-License-Identifier: Apache-2.0
#include "cfs/store/completeness.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <map>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/metacopy.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

const Digest digest_a =
    Digest::parse("sha256:aa23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").value();
const Digest digest_b =
    Digest::parse("sha256:bb23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef").value();

// A tree that stands for the composed root: what only overlayfs can answer is for tests/vm.
class Completeness : public ::testing::Test {
 protected:
  Completeness() {
    directory_.write("etc/fstab", "x");
    directory_.write("etc/systemd/system/a.service", std::string(100000, 'x'));
    directory_.link("etc/systemd/system/b.service", "/nowhere");
    directory_.write("usr/lib/systemd/systemd", "x");
    std::filesystem::create_directories(directory_.path("usr/lib/empty"));
    directory_.link("lib", "usr/lib");
  }

  Result<std::size_t> check(const std::vector<std::string>& places) {
    return check_completeness(open_directory(directory_.path()).value(), places);
  }

  TempDirectory directory_;
};

TEST_F(Completeness, CountsTheFilesOfEachPlace) {
  EXPECT_EQ(check({}).value(), 0U);
  EXPECT_EQ(check({"/etc"}).value(), 2U);
  EXPECT_EQ(check({"/usr/lib/empty"}).value(), 0U);
  EXPECT_EQ(check({"/etc/fstab", "/usr/lib/systemd"}).value(), 2U);
  EXPECT_EQ(check({"/"}).value(), 3U);
}

TEST_F(Completeness, TakesFilesThatAreNoFilesForWhole) {
  ASSERT_EQ(::mkfifo(directory_.path("etc/fifo").c_str(), 0600), 0);
  EXPECT_EQ(check({"/etc"}).value(), 2U);
}

// Where a file system has no pages apart from its files, as tmpfs, nothing can be forgotten.
TEST_F(Completeness, LeavesMemoryAsItWas) {
  const auto cached = directory_.path("etc/fstab");
  const auto uncached = directory_.path("usr/lib/systemd/systemd");
  const auto resident = [](const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    void* const page = ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, file.get(), 0);
    unsigned char in_memory = 0;
    EXPECT_EQ(::mincore(page, 1, &in_memory), 0);
    ::munmap(page, 1);
    return (in_memory & 1) != 0;
  };
  const Fd file(::open(uncached.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::fsync(file.get()), 0);
  ASSERT_EQ(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
  if (resident(uncached)) {
    GTEST_SKIP() << "this file system keeps all of a file in memory";
  }
  const Fd root = open_directory(directory_.path()).value();
  const std::vector<std::string> all{"/"};
  EXPECT_TRUE(check_completeness(root, all, nullptr, AfterReading::forget));
  EXPECT_TRUE(resident(cached));
  EXPECT_FALSE(resident(uncached));
  EXPECT_TRUE(check_completeness(root, all));
  EXPECT_TRUE(resident(uncached));
}

TEST_F(Completeness, ShouldFailForAPlaceThatIsNotThere) {
  ASSERT_EQ(::mkfifo(directory_.path("etc/fifo").c_str(), 0600), 0);
  for (const char* place :
       {"/nowhere", "/etc/nowhere", "/etc/fstab/x", "/lib", "/lib/systemd", "/etc/fifo"}) {
    const auto checked = check({"/etc", place});
    ASSERT_FALSE(checked) << place;
    EXPECT_EQ(checked.error().code(), Code::manifest_malformed) << place;
    EXPECT_NE(checked.error().what().find(std::string("boot.complete names ") + place), std::string::npos)
        << checked.error().what();
  }
}

TEST_F(Completeness, ShouldFailForATreeThatIsTooDeep) {
  std::string path = "etc";
  for (int level = 1; level <= completeness_deepest; ++level) {
    path += "/d";
  }
  std::filesystem::create_directories(directory_.path(path));
  EXPECT_TRUE(check({"/etc"}));
  std::filesystem::create_directory(directory_.path(path + "/d"));
  EXPECT_EQ(check({"/etc"}).error().code(), Code::image_malformed);
}

// A file of the image with an object, and what is in the store.
class ObjectOf : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto file = directory_.write("image/etc/a", "");
    const std::string value = format_metacopy(digest_a);
    if (::setxattr(file.c_str(), "trusted.overlay.metacopy", value.data(), value.size(), 0) != 0) {
      GTEST_SKIP() << "no trusted extended attributes here, or not root";
    }
    directory_.write("image/etc/inline", "x");
    directory_.write("objects/" + digest_a.object_path(), "x");
  }

  Result<> check(const std::string& path, const Result<Digest>& measured = digest_a) {
    return check_object_of(open_directory(directory_.path("image")).value(),
                           open_directory(directory_.path("objects")).value(), path,
                           [&](const Fd&, HashAlgorithm) { return measured; });
  }

  TempDirectory directory_;
};

TEST_F(ObjectOf, AFileThatIsThere) {
  EXPECT_TRUE(check("/etc/a"));
  EXPECT_TRUE(check("/etc/inline", fail(Code::verity_missing, "not asked")));
}

TEST_F(ObjectOf, ShouldFailWithAnotherDigest) {
  EXPECT_EQ(check("/etc/a", digest_b).error().code(), Code::digest_mismatch);
}

TEST_F(ObjectOf, ShouldFailWithoutVerity) {
  EXPECT_EQ(check("/etc/a", fail(Code::verity_missing, "none")).error().code(), Code::verity_missing);
}

TEST_F(ObjectOf, ShouldFailForAMissingObject) {
  std::filesystem::remove(directory_.path("objects/" + digest_a.object_path()));
  EXPECT_EQ(check("/etc/a").error().code(), Code::object_missing);
}

TEST_F(ObjectOf, ShouldFailForALink) {
  const auto object = directory_.path("objects/" + digest_a.object_path());
  std::filesystem::rename(object, directory_.path("objects/elsewhere"));
  std::filesystem::create_symlink("../elsewhere", object);
  EXPECT_EQ(check("/etc/a").error().code(), Code::path_refused);
}

TEST_F(ObjectOf, ShouldFailWhereTheImageNamesNoDigest) {
  ASSERT_EQ(::setxattr(directory_.path("image/etc/a").c_str(), "trusted.overlay.metacopy", "", 0, 0), 0);
  EXPECT_EQ(check("/etc/a").error().code(), Code::verity_missing);
}

}  // namespace
}  // namespace cfs
