// SPDX-License-Identifier: Apache-2.0
#include "cfs/archive/newc.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>
#include <vector>

#include "unit/newc_archive.hpp"

namespace cfs {
namespace {

using testing::HasSubstr;

std::vector<NewcEntry> entries_of(std::string_view bytes) {
  NewcReader reader(bytes);
  std::vector<NewcEntry> entries;
  do {
    for (;;) {
      const auto entry = reader.next();
      if (!entry) {
        ADD_FAILURE() << entry.error().what();
        return entries;
      }
      if (!*entry) {
        break;
      }
      entries.push_back(**entry);
    }
  } while (!reader.rest().empty());
  return entries;
}

std::string refusal(std::string_view bytes) {
  NewcReader reader(bytes);
  do {
    for (;;) {
      const auto entry = reader.next();
      if (!entry) {
        EXPECT_EQ(entry.error().code(), Code::archive_malformed);
        return entry.error().what();
      }
      if (!*entry) {
        break;
      }
    }
  } while (!reader.rest().empty());
  return "";
}

TEST(Newc, ReadsEachKindOfEntry) {
  const std::string bytes = newc_archive({
      {.name = ".", .mode = 040755},
      {.name = "./usr", .mode = 040700, .uid = 7, .gid = 8},
      {.name = "usr/file", .mode = 0104755, .contents = "contents", .inode = 5, .names = 2},
      {.name = "bin", .mode = 0120777, .contents = "usr/bin"},
      {.name = "console", .mode = 020600, .device_major = 5, .device_minor = 1},
      {.name = "disk", .mode = 060660, .device_major = 254, .device_minor = 16},
  });
  const auto entries = entries_of(bytes);
  ASSERT_EQ(entries.size(), 6U);
  EXPECT_EQ(entries[0].path, "");
  EXPECT_EQ(entries[1].path, "usr");
  EXPECT_EQ(entries[1].mode, S_IFDIR | 0700U);
  EXPECT_EQ(entries[1].uid, 7U);
  EXPECT_EQ(entries[1].gid, 8U);
  EXPECT_EQ(entries[2].path, "usr/file");
  EXPECT_EQ(entries[2].mode, S_IFREG | 04755U);
  EXPECT_EQ(entries[2].contents, "contents");
  EXPECT_EQ(entries[2].names, 2U);
  EXPECT_EQ(entries[2].inode.number, 5U);
  EXPECT_EQ(entries[3].contents, "usr/bin");
  EXPECT_EQ(entries[4].device, makedev(5, 1));
  EXPECT_EQ(entries[5].mode, S_IFBLK | 0660U);
}

// dracut-cpio --data-align.
TEST(Newc, TakesANameThatIsPaddedWithNuls) {
  const std::string bytes =
      newc_archive({{.name = std::string("file") + std::string(200, '\0'), .contents = "x"}});
  const auto entries = entries_of(bytes);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].path, "file");
  EXPECT_EQ(entries[0].contents, "x");
}

TEST(Newc, ReadsArchivesOneAfterTheOther) {
  const std::string first = newc_archive({{.name = "first"}});
  const std::string both =
      first + std::string(512 - first.size() % 512, '\0') + newc_archive({{.name = "second"}});
  const auto entries = entries_of(both);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1].path, "second");
}

TEST(Newc, SaysWhatFollowsAnArchive) {
  const std::string first = newc_archive({{.name = "first"}});
  const std::string both = first + std::string(8, '\0') + "\x1f\x8b compressed";
  NewcReader reader(both);
  ASSERT_TRUE(*reader.next());
  ASSERT_FALSE(*reader.next());
  EXPECT_EQ(reader.rest(), "\x1f\x8b compressed");
  EXPECT_EQ(reader.position(), first.size() + 8);
}

TEST(Newc, RefusesNamesThatAreNotPlain) {
  for (const char* name : {"/etc", "a/../b", "..", "../a", "a//b", "a/", "./", "././a", "a/./b", "/"}) {
    EXPECT_THAT(refusal(newc_archive({{.name = name, .mode = 040755}})), HasSubstr("is not a plain path"))
        << name;
  }
  EXPECT_THAT(refusal(newc_archive({{.name = ""}})), HasSubstr("a name of impossible length"));
  EXPECT_THAT(refusal(newc_archive({{.name = std::string(4096, 'a')}})),
              HasSubstr("a name of impossible length"));
  EXPECT_THAT(refusal(newc_archive({{.name = std::string("a\0b", 3)}})),
              HasSubstr("a name that does not end"));
  std::string unended = newc_archive({{.name = "abc"}});
  unended[113] = 'd';
  EXPECT_THAT(refusal(unended), HasSubstr("a name that does not end"));
}

TEST(Newc, RefusesKindsThatAnInitramfsDoesNotHold) {
  constexpr auto wrong = "is of a kind that an initramfs does not hold";
  EXPECT_THAT(refusal(newc_archive({{.name = "fifo", .mode = 010644}})), HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "socket", .mode = 0140755}})), HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "none", .mode = 0644}})), HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "bits", .mode = 01100644}})), HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "directory", .mode = 040755, .contents = "x"}})),
              HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "device", .mode = 020600, .contents = "x"}})), HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "link", .mode = 0120777}})), HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "link", .mode = 0120777, .contents = std::string("a\0b", 3)}})),
              HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "link", .mode = 0120777, .contents = std::string(4096, 'a')}})),
              HasSubstr(wrong));
  EXPECT_THAT(refusal(newc_archive({{.name = "."}})), HasSubstr(wrong));
}

TEST(Newc, RefusesWhatIsCutOff) {
  const std::string whole = newc_archive({{.name = "file", .contents = "12345"}});
  ASSERT_EQ(refusal(whole), "");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal(whole.substr(0, length)), "") << length;
  }
  EXPECT_THAT(refusal(newc_entry({.name = "file"})), HasSubstr("no newc header"));
  std::string huge = whole;
  huge.replace(6 + 8 * 6, 8, "FFFFFFFF");
  EXPECT_THAT(refusal(huge), HasSubstr("file is cut off"));
}

TEST(Newc, RefusesOtherHeaders) {
  std::string bytes = newc_archive({{.name = "file"}});
  bytes[5] = '2';  // the format with checksums
  EXPECT_THAT(refusal(bytes), HasSubstr("no newc header"));
  bytes = newc_archive({{.name = "file"}});
  for (const char digit : {'G', '-', ' ', 'x', '\0'}) {
    bytes[6] = digit;
    EXPECT_THAT(refusal(bytes), HasSubstr("a field that is no number")) << digit;
  }
}

TEST(Newc, RefusesPaddingThatHidesBytes) {
  std::string bytes = newc_archive({{.name = "file", .contents = "12345"}});
  const auto padding = bytes.find("12345") + 5;
  ASSERT_EQ(bytes[padding], '\0');
  bytes[padding] = 'x';
  EXPECT_THAT(refusal(bytes), HasSubstr("file is cut off"));
}

TEST(Newc, RefusesATrailerWithContentsAndAnArchiveThatIsNotAligned) {
  EXPECT_THAT(refusal(newc_entry({.name = "TRAILER!!!", .mode = 0, .contents = "x"})),
              HasSubstr("a trailer with contents"));
  const std::string archive = newc_archive({{.name = "file"}});
  EXPECT_THAT(refusal(archive + '\0' + archive), HasSubstr("no newc header"));
}

}  // namespace
}  // namespace cfs
