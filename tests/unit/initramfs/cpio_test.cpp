// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/cpio.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <set>

#include "cfs/base/file.hpp"

namespace cfs {
namespace {

using testing::StartsWith;

constexpr std::size_t any_size = 64UL * 1024 * 1024;

std::string archive_of(const Cpio& cpio, std::uint32_t mtime = 0,
                       Compression compression = Compression::zstd) {
  const Fd file(::memfd_create("cpio", MFD_CLOEXEC));
  const auto written = cpio.write(file, mtime, compression);
  EXPECT_TRUE(written) << written.error().what();
  return *read_all(file, any_size);
}

struct Read {
  std::string path;
  mode_t mode;
  dev_t device;
  std::int64_t uid, gid, inode;
  time_t mtime;
  std::string contents;
};

std::vector<Read> read_archive(const std::string& bytes, int filter = ARCHIVE_FILTER_ZSTD) {
  std::vector<Read> entries;
  archive* reader = archive_read_new();
  archive_read_support_filter_zstd(reader);
  archive_read_support_filter_gzip(reader);
  archive_read_support_format_cpio(reader);
  EXPECT_EQ(archive_read_open_memory(reader, bytes.data(), bytes.size()), ARCHIVE_OK);
  for (archive_entry* entry = nullptr; archive_read_next_header(reader, &entry) == ARCHIVE_OK;) {
    EXPECT_EQ(archive_format(reader), ARCHIVE_FORMAT_CPIO_SVR4_NOCRC);
    EXPECT_EQ(archive_filter_code(reader, 0), filter);
    std::string contents(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    EXPECT_EQ(archive_read_data(reader, contents.data(), contents.size()),
              static_cast<la_ssize_t>(contents.size()));
    entries.push_back({archive_entry_pathname(entry), archive_entry_mode(entry), archive_entry_rdev(entry),
                       archive_entry_uid(entry), archive_entry_gid(entry), archive_entry_ino64(entry),
                       archive_entry_mtime(entry), contents});
  }
  archive_read_free(reader);
  return entries;
}

TEST(Cpio, HoldsFilesDirectoriesAndDevices) {
  Cpio cpio;
  cpio.add_device("dev/console", makedev(5, 1), 0600);
  cpio.add_file("init", "program", 0755);
  cpio.add_file("etc/empty", "");
  const auto entries = read_archive(archive_of(cpio, 86'400));
  ASSERT_EQ(entries.size(), 5U);
  EXPECT_EQ(entries[0].path, "dev");
  EXPECT_EQ(entries[0].mode, S_IFDIR | 0755U);
  EXPECT_EQ(entries[1].path, "dev/console");
  EXPECT_EQ(entries[1].mode, S_IFCHR | 0600U);
  EXPECT_EQ(entries[1].device, makedev(5, 1));
  EXPECT_EQ(entries[2].path, "etc");
  EXPECT_EQ(entries[3].path, "etc/empty");
  EXPECT_EQ(entries[3].mode, S_IFREG | 0644U);
  EXPECT_EQ(entries[3].contents, "");
  EXPECT_EQ(entries[4].path, "init");
  EXPECT_EQ(entries[4].mode, S_IFREG | 0755U);
  EXPECT_EQ(entries[4].contents, "program");
  std::set<std::int64_t> inodes;
  for (const Read& entry : entries) {
    EXPECT_EQ(entry.uid, 0);
    EXPECT_EQ(entry.gid, 0);
    EXPECT_EQ(entry.mtime, 86'400);
    inodes.insert(entry.inode);
  }
  EXPECT_EQ(inodes.size(), entries.size());
}

TEST(Cpio, ADirectoryComesBeforeWhatIsInIt) {
  Cpio cpio;
  cpio.add_file("usr/lib/modules/a", "");
  cpio.add_file("usr/lib-x/b", "");  // '-' sorts before '/'
  std::set<std::string> seen;
  for (const Read& entry : read_archive(archive_of(cpio))) {
    if (const auto slash = entry.path.rfind('/'); slash != std::string::npos) {
      EXPECT_TRUE(seen.contains(entry.path.substr(0, slash))) << entry.path;
    }
    seen.insert(entry.path);
  }
  EXPECT_EQ(seen.size(), 6U);
}

TEST(Cpio, SameEntriesSameBytes) {
  Cpio one;
  one.add_file("b", "2");
  one.add_file("a/c", "3");
  Cpio other;
  other.add_directory("a");
  other.add_file("a/c", "3");
  other.add_file("b", "2");
  EXPECT_EQ(archive_of(one), archive_of(other));
  EXPECT_NE(archive_of(one, 0), archive_of(one, 1));
}

TEST(Cpio, HoldsTheSameHoweverCompressed) {
  Cpio cpio;
  cpio.add_file("file", std::string(100'000, 'x'));
  for (const auto& [compression, filter] : {std::pair(Compression::gzip, ARCHIVE_FILTER_GZIP),
                                            std::pair(Compression::none, ARCHIVE_FILTER_NONE)}) {
    const auto entries = read_archive(archive_of(cpio, 0, compression), filter);
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].contents, std::string(100'000, 'x'));
  }
}

TEST(Cpio, GzipStoresNoTimeOfItsOwn) {
  Cpio cpio;
  cpio.add_file("file", "contents");
  EXPECT_EQ(archive_of(cpio, 0, Compression::gzip).substr(4, 4), std::string(4, '\0'));  // RFC 1952, MTIME
}

TEST(Cpio, ALargeFileIsWhole) {
  std::string contents;
  contents.resize(20'000'000);  // larger than the window
  for (std::size_t i = 0; i < contents.size(); i += 4093) {
    contents[i] = static_cast<char>(i % 251);
  }
  Cpio cpio;
  cpio.add_file("large", contents);
  const auto entries = read_archive(archive_of(cpio));
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].contents, contents);
}

// The kernel's decompressor accepts windows of at most 128 MiB (RFC 8878, 3.1.1.1.2).
TEST(Cpio, TheWindowFitsTheKernel) {
  std::string contents;
  contents.resize(20'000'000);
  Cpio cpio;
  cpio.add_file("large", contents);
  const std::string bytes = archive_of(cpio);
  EXPECT_THAT(bytes, StartsWith("\x28\xb5\x2f\xfd"));
  const auto descriptor = static_cast<unsigned char>(bytes[4]);
  ASSERT_EQ(descriptor & 0x20, 0) << "a frame in one segment has its content's size as window";
  EXPECT_LE(10 + (static_cast<unsigned char>(bytes[5]) >> 3), 26) << "log2 of the window";
}

TEST(Cpio, SaysThatTheDeviceIsFull) {
  Cpio cpio;
  cpio.add_file("file", "contents");
  const auto written = cpio.write(Fd(::open("/dev/full", O_WRONLY | O_CLOEXEC)), 0, Compression::zstd);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::io_error);
  EXPECT_THAT(written.error().what(), testing::HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace cfs
