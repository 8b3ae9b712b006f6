// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cfs/base/file.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

class AtomicFiles : public testing::Test {
 protected:
  [[nodiscard]] std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(directory.path()), {});
  }
  const TempDirectory directory;
  const std::string path = directory.path("file");
};

TEST_F(AtomicFiles, AppearsOnlyAtCommit) {
  auto file = AtomicFile::create(path).value();
  ASSERT_TRUE(write_all(file.fd(), "bytes"));
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(read_bytes(path), "bytes");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFiles, LinksAreReplacedInOneStep) {
  ASSERT_TRUE(write_link(path, "first"));
  EXPECT_EQ(std::filesystem::read_symlink(path), "first");
  ASSERT_TRUE(write_link(path, "second"));
  EXPECT_EQ(std::filesystem::read_symlink(path), "second");
  EXPECT_EQ(entries(), 1);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(write_link(path, "third").error().code(), Code::io_error);
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFiles, LeavesNothingWithoutCommit) {
  {
    auto file = AtomicFile::create(path).value();
    ASSERT_TRUE(write_all(file.fd(), "bytes"));
    const AtomicFile moved = std::move(file);
  }
  EXPECT_EQ(entries(), 0);
}

TEST_F(AtomicFiles, ReplacesTheWholeFile) {
  directory.write("file", "something longer");
  {
    auto file = AtomicFile::create(path).value();
    ASSERT_TRUE(write_all(file.fd(), "new"));
    EXPECT_EQ(read_bytes(path), "something longer");
    ASSERT_TRUE(file.commit());
  }
  EXPECT_EQ(read_bytes(path), "new");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFiles, ReplacesALinkNotItsTarget) {
  directory.write("target", "kept");
  directory.link("file", "target");
  ASSERT_TRUE(write_file(path, "new"));
  EXPECT_EQ(read_bytes(directory.path("target")), "kept");
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST_F(AtomicFiles, RefusesToReplaceWhenTold) {
  directory.write("file", "kept");
  const auto written = write_file(path, "new", 0644, AtomicFile::Existing::refuse);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::already_exists);
  EXPECT_EQ(read_bytes(path), "kept");
  EXPECT_EQ(entries(), 1);
  EXPECT_TRUE(write_file(directory.path("other"), "new", 0644, AtomicFile::Existing::refuse));
  EXPECT_EQ(read_bytes(directory.path("other")), "new");
}

TEST_F(AtomicFiles, ModeIsAsAskedWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(write_file(directory.path("public"), "", 0644));
  ::umask(0);
  ASSERT_TRUE(write_file(directory.path("private"), "", 0600));
  ::umask(before);
  const auto mode = [&](std::string_view name) {
    struct stat status{};
    EXPECT_EQ(::stat(directory.path(name).c_str(), &status), 0);
    return status.st_mode & 07777;
  };
  EXPECT_EQ(mode("public"), 0644U);
  EXPECT_EQ(mode("private"), 0600U);
}

TEST_F(AtomicFiles, WithoutANameTakeSeveral) {
  directory.write("taken", "kept");
  const Fd place = open_directory(directory.path()).value();
  {
    auto file = UnnamedFile::create(place, "x", 0600).value();
    ASSERT_TRUE(write_all(file.fd(), "bytes"));
    EXPECT_EQ(entries(), 1);
    EXPECT_EQ(file.add_name("taken").error().code(), Code::already_exists);
    EXPECT_TRUE(file.add_name("first"));
    EXPECT_TRUE(file.take_name("second", UnnamedFile::Existing::refuse));
    EXPECT_EQ(file.add_name("absent/third").error().code(), Code::io_error);
  }
  EXPECT_EQ(read_bytes(directory.path("first")), "bytes");
  EXPECT_EQ(read_bytes(directory.path("second")), "bytes");
  EXPECT_EQ(read_bytes(directory.path("taken")), "kept");
  EXPECT_EQ(entries(), 3);
}

TEST_F(AtomicFiles, WithoutANameCanBeClosedForWriting) {
  const Fd place = open_directory(directory.path()).value();
  auto file = UnnamedFile::create(place, "x", 0600).value();
  ASSERT_TRUE(write_all(file.fd(), "bytes"));
  ASSERT_TRUE(file.close_for_writing());
  EXPECT_EQ(write_all(file.fd(), "more").error().code(), Code::io_error);
  EXPECT_EQ(read_all(file.fd(), 100).value(), "bytes");
}

TEST_F(AtomicFiles, NeedsADirectoryAndAName) {
  EXPECT_EQ(AtomicFile::create(directory.path("absent/file")).error().code(), Code::not_found);
  EXPECT_EQ(AtomicFile::create(directory.path() + "/").error().code(), Code::usage);
  EXPECT_FALSE(write_file(directory.path(), "x"));
}

TEST_F(AtomicFiles, WorksInFileSystemsWithoutUnnamedFiles) {
  // /proc has neither unnamed nor named files to create: the error is one, and nothing crashes.
  EXPECT_FALSE(AtomicFile::create("/proc/self/x"));
}

}  // namespace
}  // namespace cfs
