// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/inner_archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>

#include <vector>

#include "unit/systemd_initrd.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using testing::HasSubstr;

using Entries = std::vector<ArchiveEntry>;

Entries without(const std::string& name) {
  Entries entries = systemd_initrd();
  std::erase_if(entries, [&](const ArchiveEntry& entry) { return entry.name == name; });
  return entries;
}

std::string compressed(const std::string& bytes, int filter) {
  std::string out(bytes.size() + 4096, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_add_filter(writer, filter);
  archive_write_set_format_raw(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
  EXPECT_EQ(archive_write_data(writer, bytes.data(), bytes.size()), static_cast<la_ssize_t>(bytes.size()));
  archive_entry_free(entry);
  EXPECT_EQ(archive_write_free(writer), ARCHIVE_OK);
  out.resize(used);
  return out;
}

Error refusal(const std::string& bytes) {
  const auto parsed = parse_inner_archive(bytes);
  return parsed ? Error(Code::usage, "it was taken") : parsed.error();
}

TEST(InnerArchive, IsTakenPlainAndCompressed) {
  const std::string plain = newc_archive(systemd_initrd());
  const auto parsed = parse_inner_archive(plain);
  ASSERT_TRUE(parsed) << parsed.error().what();
  EXPECT_EQ(parsed->bytes, plain);
  EXPECT_EQ(parsed->early, "");
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_LZMA,
                           ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_LZ4}) {
    const auto unpacked = parse_inner_archive(compressed(plain, filter));
    ASSERT_TRUE(unpacked) << filter << unpacked.error().what();
    EXPECT_EQ(unpacked->bytes, plain) << filter;
  }
}

TEST(InnerArchive, LeavesMicrocodeInFront) {
  std::string early = newc_archive({{.name = ".", .mode = 040755},
                                    {.name = "early_cpio"},
                                    {.name = "kernel", .mode = 040755},
                                    {.name = "kernel/x86", .mode = 040755},
                                    {.name = "kernel/x86/microcode.bin", .contents = "microcode"}});
  early.resize((early.size() + 511) / 512 * 512);
  const std::string plain = newc_archive(systemd_initrd());
  for (const std::string& rest : {plain, compressed(plain, ARCHIVE_FILTER_ZSTD)}) {
    const auto parsed = parse_inner_archive(early + rest);
    ASSERT_TRUE(parsed) << parsed.error().what();
    EXPECT_EQ(parsed->early, early);
    EXPECT_EQ(parsed->bytes, plain);
  }
}

// Nothing that could be executed stays outside.
TEST(InnerArchive, LeavesNothingElseInFront) {
  const std::string more =
      newc_archive({{.name = "bin", .mode = 040755}, {.name = "bin/sh", .mode = 0100755}});
  const std::string plain = newc_archive(systemd_initrd());
  const auto parsed = parse_inner_archive(more + plain);
  ASSERT_TRUE(parsed) << parsed.error().what();
  EXPECT_EQ(parsed->early, "");
  EXPECT_EQ(parsed->bytes, more + plain);
  EXPECT_EQ(refusal(more + compressed(plain, ARCHIVE_FILTER_GZIP)).code(), Code::archive_malformed);
}

TEST(InnerArchive, BootsAndGuardsAVerifiedRoot) {
  for (const char* name :
       {"etc/initrd-release", "usr/lib/composefs-root/composefs-root",
        "usr/lib/systemd/system/composefs-root-failure.service",
        "usr/lib/systemd/system/composefs-root-guard-switch.service",
        "usr/lib/systemd/system/composefs-root-guard.service",
        "usr/lib/systemd/system/initrd-root-fs.target.requires/composefs-root-guard.service",
        "usr/lib/systemd/system/initrd-switch-root.service.requires/composefs-root-guard-switch.service",
        "usr/lib/systemd/systemd", "usr/sbin/mount.composefs-root"}) {
    const Error error = refusal(newc_archive(without(name)));
    EXPECT_EQ(error.code(), Code::unsupported_input) << name;
    EXPECT_THAT(error.what(), HasSubstr(std::string(name).substr(std::string(name).rfind('/') + 1)));
  }
}

TEST(InnerArchive, HasNoInitOfItsOwn) {
  EXPECT_TRUE(parse_inner_archive(newc_archive(without("init"))));
  Entries entries = without("init");
  entries.push_back({.name = "init", .mode = 0100755, .contents = "#!/bin/sh\n"});
  const Error script = refusal(newc_archive(entries));
  EXPECT_EQ(script.code(), Code::unsupported_input);
  EXPECT_THAT(script.what(), HasSubstr("module squash"));
  entries.back() = {.name = "init", .mode = 0120777, .contents = "bin/sh"};
  EXPECT_EQ(refusal(newc_archive(entries)).code(), Code::unsupported_input);
}

TEST(InnerArchive, IsOneThatCanBeUnpacked) {
  const Error error = refusal(newc_archive(without("usr/lib/systemd/system")));
  EXPECT_EQ(error.code(), Code::archive_malformed);
  EXPECT_THAT(error.what(), HasSubstr("comes before its directory"));
  for (const std::string& bytes :
       {std::string(), std::string("garbage"), compressed("not an archive", ARCHIVE_FILTER_GZIP)}) {
    EXPECT_EQ(refusal(bytes).code(), Code::archive_malformed);
  }
}

TEST(InnerArchive, IsReadFromAFile) {
  const TempDirectory files;
  const auto loaded = load_inner_archive(files.write("initrd", newc_archive(systemd_initrd())));
  EXPECT_TRUE(loaded) << loaded.error().what();
  const auto missing = load_inner_archive(files.path("nothing"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::not_found);
}

}  // namespace
}  // namespace cfs
