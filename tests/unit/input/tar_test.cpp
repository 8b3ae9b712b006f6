// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/tar.hpp"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <random>

#include "cfs/base/text.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/stores/store_writer.hpp"
#include "unit/tar_archive.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

Result<FileTree> read(const std::string& bytes, const ScanOptions& options = {},
                      Whiteouts whiteouts = Whiteouts::are_files) {
  TreeBuilder tree(options.exclude);
  CFS_TRY(read_tar(in_pieces(bytes), tree, whiteouts, options));
  return std::move(tree).finish();
}

std::string xattr(const Inode& inode, std::string_view name) {
  const auto found = std::ranges::find(inode.xattrs, name, &Xattr::name);
  return found == inode.xattrs.end() ? "" : (*found)->value;
}

TEST(Tar, ReadsEveryKind) {
  TarArchive tar;
  tar.directory("./")
      .file("./empty", "")
      .file("dir/small", std::string(64, 's'))
      .symlink("link", "no/\xff where");
  tar.file("dir/large", std::string(65, 'l')).hard_link("again", "./dir/large");
  tar.add("\xff\xc3\xa4", S_IFCHR, {}, [](archive_entry* entry) {
    archive_entry_set_rdevmajor(entry, 259);
    archive_entry_set_rdevminor(entry, 300);
    archive_entry_set_perm(entry, 06755);
    archive_entry_set_uid(entry, 4000000000);
    archive_entry_set_gid(entry, 65536);
    archive_entry_set_mtime(entry, -5, 250'000'000);  // written as -5.25
    archive_entry_xattr_add_entry(entry, "user.own", "a\0b", 3);
  });
  tar.add("fifo", S_IFIFO);
  const auto tree = read(tar.bytes());
  ASSERT_TRUE(tree) << tree.error().line();
  EXPECT_EQ(paths_of(*tree), "again\ndir\ndir/large\ndir/small\nempty\nfifo\nlink\n\xff\xc3\xa4\n");
  EXPECT_EQ(std::get<std::string>(inode_at(*tree, "link").content), "no/\xff where");
  EXPECT_EQ(std::get<std::string>(inode_at(*tree, "dir/small").content), std::string(64, 's'));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(inode_at(*tree, "empty").content));
  for (const auto* path : {"dir/large", "again"}) {
    EXPECT_EQ(std::get<ExternalFile>(inode_at(*tree, path).content).digest,
              compute_verity(std::string(65, 'l')).value());
  }
  const Inode& device = inode_at(*tree, "\xff\xc3\xa4");
  EXPECT_EQ(device.mode, static_cast<mode_t>(S_IFCHR | 06755));
  EXPECT_EQ(device.rdev, static_cast<std::uint32_t>(makedev(259, 300)));
  EXPECT_EQ(device.uid, 4000000000U);
  EXPECT_EQ(device.gid, 65536U);
  EXPECT_EQ(device.mtime_sec, -6);
  EXPECT_EQ(device.mtime_nsec, 750'000'000U);
  EXPECT_EQ(xattr(device, "user.own"), std::string("a\0b", 3));
  EXPECT_TRUE(inode_at(*tree, "fifo").is(S_IFIFO));
}

void add_acl(archive_entry* entry, const char* name, int id) {
  archive_entry_set_mode(entry, S_IFREG | 0640);
  archive_entry_acl_add_entry(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 4, ARCHIVE_ENTRY_ACL_USER, id, name);
  archive_entry_acl_add_entry(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, 6, ARCHIVE_ENTRY_ACL_MASK, -1, "");
}

TEST(Tar, TurnsAccessControlListsIntoAttributes) {
  TarArchive tar;
  tar.add("numbered", S_IFREG, {}, [](archive_entry* entry) { add_acl(entry, "joe", 1234); });
  const auto tree = read(tar.bytes());
  ASSERT_TRUE(tree) << tree.error().line();
  const Inode& inode = inode_at(*tree, "numbered");
  EXPECT_EQ(inode.mode, static_cast<mode_t>(S_IFREG | 0660));  // the mask stands where the group was
  EXPECT_EQ(xattr(inode, "system.posix_acl_access"), std::string("\2\0\0\0"
                                                                 "\1\0\6\0\xff\xff\xff\xff"
                                                                 "\2\0\4\0\xd2\4\0\0"
                                                                 "\4\0\4\0\xff\xff\xff\xff"
                                                                 "\x10\0\6\0\xff\xff\xff\xff"
                                                                 "\x20\0\0\0\xff\xff\xff\xff",
                                                                 44));
}

TEST(Tar, RefusesNamesWithoutNumbersInAccessControlLists) {
  TarArchive tar;
  tar.add("named", S_IFREG, {}, [](archive_entry* entry) { add_acl(entry, "joe", -1); });
  const auto tree = read(tar.bytes());
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code(), Code::unsupported_input);
  EXPECT_NE(tree.error().what().find("named: "), std::string::npos) << tree.error().line();
}

TEST(Tar, FillsAStore) {
  const TempDirectory directory;
  const auto store = StoreWriter::open_or_create(directory.path("store")).value();
  const std::string large((3UL << 20) + 7, 'l');  // more than is held in memory
  TarArchive tar;
  tar.file("large", large).file("twin", large).file("middle", std::string(70, 'm')).file("small");
  const auto tree = read(tar.bytes(), {.store = store.get()});
  ASSERT_TRUE(tree && store->commit());
  const auto object = [&](const std::string& bytes) {
    return directory.path("store/objects/") + compute_verity(bytes).value().object_path();
  };
  EXPECT_TRUE(read_bytes(object(large)) == large);
  EXPECT_EQ(read_bytes(object(std::string(70, 'm'))), std::string(70, 'm'));
  EXPECT_FALSE(std::filesystem::exists(object("x")));
}

TEST(Tar, StoresNothingThatIsExcluded) {
  const TempDirectory directory;
  const auto store = StoreWriter::open_or_create(directory.path("store")).value();
  TarArchive tar;
  tar.file("out/a", std::string(100, 'a')).file("in", std::string(100, 'b'));
  const Exclusions exclude({"out"});
  const auto tree = read(tar.bytes(), {.store = store.get(), .exclude = &exclude});
  ASSERT_TRUE(tree && store->commit());
  EXPECT_EQ(paths_of(*tree), "in\n");
  EXPECT_FALSE(std::filesystem::exists(directory.path("store/objects/") +
                                       compute_verity(std::string(100, 'a')).value().object_path()));
}

TEST(Tar, TakesWhiteoutsForFilesOutsideLayers) {
  TarArchive tar;
  tar.file(".wh.x").file("d/.wh..wh..opq");
  EXPECT_EQ(paths_of(read(tar.bytes()).value()), ".wh.x\nd\nd/.wh..wh..opq\n");
}

TEST(Tar, HonoursWhiteoutsInLayers) {
  TreeBuilder tree;
  const auto add = [&](TarArchive& tar) {
    tree.begin_layer();
    return read_tar(in_pieces(tar.bytes()), tree, Whiteouts::hide_lower_layers, {});
  };
  TarArchive lower;
  lower.file("gone").file("d/old").file("d/kept-name").file("stays");
  TarArchive upper;
  upper.file(".wh.gone").file("d/kept-name").file("d/.wh..wh..opq").file("d/new").file(".wh..wh.plnk/1");
  ASSERT_TRUE(add(lower) && add(upper));
  EXPECT_EQ(paths_of(std::move(tree).finish()),
            ".wh..wh.plnk\n.wh..wh.plnk/1\nd\nd/kept-name\nd/new\nstays\n");
  for (const auto* name : {".wh.", ".wh..", "d/.wh..."}) {
    TarArchive bad;
    bad.file(name);
    EXPECT_EQ(read(bad.bytes(), {}, Whiteouts::hide_lower_layers).error().code(), Code::archive_malformed)
        << name;
  }
}

TEST(Tar, RefusesAndNames) {
  const auto refused = [](TarArchive& tar) {
    const auto tree = read(tar.bytes());
    return tree ? std::string("taken") : tree.error().line();
  };
  for (const auto& [name, says] : {std::pair("/etc/x", "absolute"), {"a/../../x", "\"..\""}}) {
    TarArchive tar;
    const auto line = refused(tar.file("first").file(name));
    EXPECT_TRUE(line.starts_with("archive-malformed: ") && line.find(name) != std::string::npos &&
                line.find(says) != std::string::npos)
        << line;
  }
  TarArchive twice;
  EXPECT_EQ(refused(twice.file("a/b").file("./a/b")),
            "archive-malformed: ./a/b: it is there twice: make the archive again");
  TarArchive through;
  EXPECT_EQ(refused(through.symlink("a", "/etc").file("a/passwd")),
            "archive-malformed: a/passwd: it lies below a, which is not a directory: make the archive again");
  TarArchive dangling;
  EXPECT_NE(refused(dangling.hard_link("a", "b")).find("a: a hard link to b, which is not there"),
            std::string::npos);
  TarArchive outside;
  EXPECT_NE(
      refused(outside.hard_link("a", "/etc/passwd")).find("a: its link: the name /etc/passwd is absolute"),
      std::string::npos);
  TarArchive long_name;
  EXPECT_NE(refused(long_name.file(std::string(256, 'n'))).find("more than 255"), std::string::npos);
  TarArchive many;
  many.add("many", S_IFREG, {}, [](archive_entry* entry) {
    archive_entry_xattr_add_entry(entry, "user.large", std::string(40000, 'x').data(), 40000);
  });
  EXPECT_NE(refused(many).find("unsupported-input: many: its extended attributes"), std::string::npos);
}

TEST(Tar, RefusesArchivesThatEndEarlyOrAreNone) {
  TarArchive tar;
  const std::string bytes = tar.file("first").file("second", std::string(5000, 'x')).bytes();
  const auto cut = read(bytes.substr(0, 4000));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), Code::archive_malformed);
  EXPECT_NE(cut.error().what().find("second"), std::string::npos) << cut.error().line();
  EXPECT_EQ(read("").error().code(), Code::archive_malformed);
  EXPECT_EQ(read(std::string(5000, 'z')).error().code(), Code::archive_malformed);
}

TEST(Tar, PassesOnWhatTheSourceSays) {
  TreeBuilder tree;
  const ArchiveSource source = [] { return fail(Code::io_error, "the disk is gone"); };
  EXPECT_EQ(read_tar(source, tree, Whiteouts::are_files, {}).error().what(), "the disk is gone");
}

TEST(Tar, SurvivesDamage) {
  TarArchive tar;
  tar.directory("d").file("d/f", std::string(200, 'f')).symlink("l", "d").hard_link("h", "d/f");
  tar.add("x", S_IFREG, "x", [](archive_entry* entry) {
    archive_entry_xattr_add_entry(entry, "user.own", "v", 1);
    add_acl(entry, "joe", 5);
  });
  const std::string good = tar.bytes();
  std::minstd_rand random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same damage in every run
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (int j = 0; j < 3; ++j) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    (void)read(bad, {}, Whiteouts::hide_lower_layers);
  }
}

TEST(Tar, LoadsFiles) {
  const TempDirectory directory;
  TarArchive tar;
  const auto path = directory.write("a.tar", tar.file("file").bytes());
  EXPECT_EQ(paths_of(load_tar(path, {}).value()), "file\n");
  const auto missing = load_tar(directory.path("missing"), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::not_found);
  EXPECT_NE(missing.error().what().find(directory.path("missing")), std::string::npos);
}

}  // namespace
}  // namespace cfs
