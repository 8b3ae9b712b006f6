// SPDX-License-Identifier: Apache-2.0
#include "cfs/archive/unpack.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>

#include "cfs/base/file.hpp"
#include "unit/newc_archive.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using testing::HasSubstr;

class Unpack : public testing::Test {
 protected:
  Result<Unpacked> unpacked(const std::string& bytes, std::vector<std::string_view> kept = {}) const {
    return unpack(bytes, *open_directory(root.path()), kept, [](std::size_t) {});
  }
  void expect(const std::string& bytes) const {
    const auto done = unpacked(bytes);
    EXPECT_TRUE(done) << done.error().what();
  }
  [[nodiscard]] struct stat status(std::string_view path) const {
    struct stat status{};
    EXPECT_EQ(::lstat(root.path(path).c_str(), &status), 0) << path;
    return status;
  }
  [[nodiscard]] std::string contents(std::string_view path) const { return read_bytes(root.path(path)); }

  TempDirectory root;
};

TEST_F(Unpack, MakesWhatTheArchiveHolds) {
  const auto done = unpacked(newc_archive({
      {.name = ".", .mode = 040700},
      {.name = "usr", .mode = 040755},
      {.name = "usr/bin", .mode = 040711},
      {.name = "./usr/bin/program", .mode = 0104755, .contents = "program", .uid = 1, .gid = 2},
      {.name = "usr/empty", .mode = 0100600},
      {.name = "bin", .mode = 0120777, .contents = "usr/bin"},
  }));
  ASSERT_TRUE(done) << done.error().what();
  EXPECT_EQ(done->entries, 6U);
  EXPECT_EQ(status("usr/bin").st_mode, S_IFDIR | 0711U);
  EXPECT_EQ(status("usr/bin/program").st_mode, S_IFREG | 04755U);
  EXPECT_EQ(status("usr/bin/program").st_uid, 1U);
  EXPECT_EQ(status("usr/bin/program").st_gid, 2U);
  EXPECT_EQ(contents("usr/bin/program"), "program");
  EXPECT_EQ(contents("usr/empty"), "");
  EXPECT_EQ(status("usr/empty").st_mode, S_IFREG | 0600U);
  EXPECT_EQ(std::filesystem::read_symlink(root.path("bin")), "usr/bin");
}

TEST_F(Unpack, MakesDevices) {
  expect(newc_archive({{.name = "console", .mode = 020620, .gid = 5, .device_major = 5, .device_minor = 1}}));
  EXPECT_EQ(status("console").st_mode, S_IFCHR | 0620U);
  EXPECT_EQ(status("console").st_gid, 5U);
  EXPECT_EQ(status("console").st_rdev, makedev(5, 1));
}

// As GNU cpio and dracut-cpio write them: the contents come with the last name.
TEST_F(Unpack, GivesAFileItsNames) {
  expect(newc_archive({
      {.name = "a", .mode = 0100755, .inode = 9, .names = 3},
      {.name = "directory", .mode = 040755},
      {.name = "directory/b", .mode = 0100755, .inode = 9, .names = 3},
      {.name = "other", .mode = 0100644, .contents = "other", .inode = 10},
      {.name = "c", .mode = 0100755, .contents = "contents", .inode = 9, .names = 3},
  }));
  EXPECT_EQ(contents("a"), "contents");
  EXPECT_EQ(contents("directory/b"), "contents");
  EXPECT_EQ(contents("other"), "other");
  EXPECT_EQ(status("a").st_nlink, 3U);
  EXPECT_EQ(status("c").st_ino, status("a").st_ino);
  EXPECT_EQ(status("c").st_mode, S_IFREG | 0755U);
}

TEST_F(Unpack, LinksNothingAcrossArchives) {
  expect(newc_archive({{.name = "a", .contents = "first", .inode = 9, .names = 2}}) +
         newc_archive({{.name = "b", .contents = "second", .inode = 9, .names = 2}}));
  EXPECT_EQ(contents("a"), "first");
  EXPECT_EQ(contents("b"), "second");
}

TEST_F(Unpack, LaterEntriesReplaceEarlierOnes) {
  root.write("old", "as it was, and longer");
  root.link("link", "old");
  expect(newc_archive({{.name = "old", .contents = "new"}, {.name = "link", .contents = "no link"}}) +
         newc_archive({{.name = "old", .mode = 0120777, .contents = "link"}}));
  EXPECT_EQ(std::filesystem::read_symlink(root.path("old")), "link");
  EXPECT_EQ(contents("link"), "no link");
}

TEST_F(Unpack, LeavesOutWhatIsKept) {
  root.write("init", "ours");
  root.write("etc/trust/policy", "ours");
  const auto done = unpacked(newc_archive({
                                 {.name = "init", .mode = 0120777, .contents = "usr/lib/systemd/systemd"},
                                 {.name = "etc", .mode = 040755},
                                 {.name = "etc/trust", .mode = 040700},
                                 {.name = "etc/trust/policy", .contents = "theirs"},
                                 {.name = "etc/trust/more", .contents = "theirs"},
                                 {.name = "etc/trusted", .contents = "theirs"},
                                 {.name = "initial", .contents = "theirs"},
                             }),
                             {"init", "etc/trust"});
  ASSERT_TRUE(done) << done.error().what();
  EXPECT_EQ(contents("init"), "ours");
  EXPECT_EQ(status("init").st_mode & S_IFMT, S_IFREG + 0U);
  EXPECT_EQ(contents("etc/trust/policy"), "ours");
  EXPECT_FALSE(std::filesystem::exists(root.path("etc/trust/more")));
  EXPECT_EQ(status("etc/trust").st_mode, S_IFDIR | 0755U);
  EXPECT_EQ(contents("etc/trusted"), "theirs");
  EXPECT_EQ(contents("initial"), "theirs");
}

TEST_F(Unpack, LosesNoContentsWithANameThatIsLeftOut) {
  ASSERT_TRUE(unpacked(newc_archive({{.name = "file", .inode = 3, .names = 2},
                                     {.name = "kept", .contents = "contents", .inode = 3, .names = 2}}),
                       {"kept"}));
  EXPECT_EQ(contents("file"), "contents");
  EXPECT_FALSE(std::filesystem::exists(root.path("kept")));
}

TEST_F(Unpack, WritesNothingThroughALink) {
  const TempDirectory elsewhere;
  root.link("absolute", elsewhere.path());
  root.write("directory/file", "");
  root.link("relative", "directory");
  for (const char* name : {"absolute/file", "relative/new"}) {
    const auto done = unpacked(newc_archive({{.name = name, .contents = "x"}}));
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().code(), Code::path_refused);
  }
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere.path()));
  EXPECT_FALSE(std::filesystem::exists(root.path("directory/new")));
  // A directory in the place of a link is one, too.
  EXPECT_FALSE(unpacked(newc_archive({{.name = "relative", .mode = 040755}})));
}

TEST_F(Unpack, NeedsTheDirectoriesOfAPath) {
  const auto done = unpacked(newc_archive({{.name = "usr/file"}}));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::not_found);
}

TEST_F(Unpack, ReplacesNoDirectory) {
  root.write("directory/file", "");
  const auto done = unpacked(newc_archive({{.name = "directory", .contents = "x"}}));
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().what(), HasSubstr("replace directory"));
}

TEST_F(Unpack, RefusesWhatHoldsNothingOrIsMalformed) {
  for (const std::string& bytes :
       {std::string(), newc_archive({}), std::string("garbage"), newc_archive({{.name = "a"}}) + "garbage"}) {
    const auto done = unpacked(bytes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::archive_malformed);
  }
}

// tmpfs, as the file system of an initramfs is.
TEST_F(Unpack, FreesTheFileAlongTheWay) {
  const TempDirectory memory("/dev/shm");
  std::vector<ArchiveEntry> entries;
  constexpr std::size_t size = 3'000'000;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    entries.push_back({.name = name, .contents = std::string(size, name[0])});
  }
  const std::string file = memory.write("archive", newc_archive(entries));
  const Fd archive(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  const auto done = unpack_file(archive, *open_directory(root.path()), {});
  ASSERT_TRUE(done) << done.error().what();
  for (const ArchiveEntry& entry : entries) {
    EXPECT_EQ(contents(entry.name), entry.contents);
  }
  struct stat left{};
  ASSERT_EQ(::fstat(archive.get(), &left), 0);
  EXPECT_LT(static_cast<std::size_t>(left.st_blocks) * 512, 2 * size + 4'300'000);
  EXPECT_EQ(done->bytes, static_cast<std::uint64_t>(left.st_size));
}

TEST_F(Unpack, RefusesAnEmptyFile) {
  const std::string file = root.write("archive", "");
  const auto done =
      unpack_file(Fd(::open(file.c_str(), O_RDWR | O_CLOEXEC)), *open_directory(root.path()), {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::archive_malformed);
}

}  // namespace
}  // namespace cfs
