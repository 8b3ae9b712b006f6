// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/scan.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "cfs/base/text.hpp"
#include "cfs/image/erofs_image.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/stores/store_writer.hpp"
#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

const Inode& find(const FileTree& tree, std::string_view path) {
  const Inode* inode = &tree.inodes.front();
  for (const auto name : split(path, '/')) {
    const auto& entries = std::get<Directory>(inode->content);
    const auto entry = std::ranges::find(entries, name, &DirectoryEntry::name);
    if (entry == entries.end()) {
      throw std::runtime_error(std::string(path));
    }
    inode = &tree.inodes.at(entry->inode);
  }
  return *inode;
}

TEST(Scan, ReadsFilesBySize) {
  const TempDirectory root;
  root.write("empty", "");
  root.write("dir/sixty-four", std::string(64, 'i'));
  root.write("dir/sixty-five", std::string(65, 'e'));
  const std::string large((1UL << 20) + 1, 'l');  // more than is read at once
  root.write("large", large);
  const auto tree = scan(root.path(), {});
  ASSERT_TRUE(tree);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(find(*tree, "empty").content));
  EXPECT_EQ(std::get<std::string>(find(*tree, "dir/sixty-four").content), std::string(64, 'i'));
  const auto& external = std::get<ExternalFile>(find(*tree, "dir/sixty-five").content);
  EXPECT_EQ(external.size, 65U);
  EXPECT_EQ(external.digest, compute_verity(std::string(65, 'e')).value());
  EXPECT_EQ(std::get<ExternalFile>(find(*tree, "large").content).digest, compute_verity(large).value());
}

TEST(Scan, HashesAsItIsTold) {
  const TempDirectory root;
  const std::string small(65, 's');
  const std::string large((1UL << 20) + 1, 'l');
  root.write("small", small);
  root.write("large", large);
  ScanOptions options;
  options.hash = HashAlgorithm::sha512;
  const auto tree = scan(root.path(), options);
  ASSERT_TRUE(tree);
  EXPECT_EQ(std::get<ExternalFile>(find(*tree, "small").content).digest,
            compute_verity(small, HashAlgorithm::sha512).value());
  EXPECT_EQ(std::get<ExternalFile>(find(*tree, "large").content).digest,
            compute_verity(large, HashAlgorithm::sha512).value());
}

TEST(Scan, ReadsModesTimesAndOtherKinds) {
  const TempDirectory root;
  const std::string file = root.write("file", "f");
  ASSERT_EQ(::chmod(file.c_str(), 04751), 0);
  const timespec times[2] = {{0, 0}, {-5, 123456789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  root.link("link", "no/such\xff");
  ASSERT_EQ(::mkfifo(root.path("fifo").c_str(), 0640), 0);
  ASSERT_EQ(::mknod(root.path("socket").c_str(), S_IFSOCK | 0600, 0), 0);
  const auto tree = scan(root.path(), {});
  ASSERT_TRUE(tree);
  EXPECT_EQ(find(*tree, "file").mode, static_cast<mode_t>(S_IFREG | 04751));
  EXPECT_EQ(find(*tree, "file").mtime_sec, -5);
  EXPECT_EQ(find(*tree, "file").mtime_nsec, 123456789U);
  EXPECT_EQ(find(*tree, "file").uid, ::getuid());
  EXPECT_TRUE(find(*tree, "link").is(S_IFLNK));
  EXPECT_EQ(std::get<std::string>(find(*tree, "link").content), "no/such\xff");
  EXPECT_TRUE(find(*tree, "fifo").is(S_IFIFO));
  EXPECT_TRUE(find(*tree, "socket").is(S_IFSOCK));
}

TEST(Scan, SortsNamesByTheirBytes) {
  const TempDirectory root;
  for (const auto* name : {"b", "\xc3\xa4", "!", "a", "a.b", "B"}) {
    root.write(name, "");
  }
  const auto tree = scan(root.path(), {});
  ASSERT_TRUE(tree);
  std::string names;
  for (const auto& entry : std::get<Directory>(tree->inodes.front().content)) {
    names += entry.name + " ";
  }
  EXPECT_EQ(names, "! B a a.b b \xc3\xa4 ");
}

TEST(Scan, MakesEachHardLinkAFileOfItsOwn) {
  const TempDirectory root;
  const std::string bytes(1000, 'h');
  std::filesystem::create_hard_link(root.write("one", bytes), root.path("two"));
  const auto tree = scan(root.path(), {});
  ASSERT_TRUE(tree);
  EXPECT_NE(&find(*tree, "one"), &find(*tree, "two"));
  EXPECT_EQ(std::get<ExternalFile>(find(*tree, "two").content).digest, compute_verity(bytes).value());
}

TEST(Scan, GivesTheSameImageWithAnyNumberOfThreads) {
  const TempDirectory root;
  for (int i = 0; i < 300; ++i) {
    root.write(cat("dir", i % 7, "/file", i), std::string(static_cast<std::size_t>(i), 'x'));
  }
  const auto one = erofs_image(scan(root.path(), {.threads = 1}).value());
  const auto five = erofs_image(scan(root.path(), {.threads = 5}).value());
  ASSERT_TRUE(one && five);
  EXPECT_EQ(*one, *five);
}

TEST(Scan, FillsAStore) {
  const TempDirectory root;
  const TempDirectory directory;
  const std::string large((3UL << 20) + 7, 'l');
  root.write("small", std::string(64, 's'));
  root.write("large", large);
  root.write("a/twin", std::string(100, 't'));
  root.write("b/twin", std::string(100, 't'));
  const auto store = StoreWriter::open_or_create(directory.path("store")).value();
  ASSERT_TRUE(scan(root.path(), {.store = store.get()}));
  ASSERT_TRUE(store->commit());
  const std::string objects = directory.path("store/objects/");
  EXPECT_EQ(read_bytes(objects + compute_verity(large).value().object_path()), large);
  EXPECT_EQ(read_bytes(objects + compute_verity(std::string(100, 't')).value().object_path()),
            std::string(100, 't'));
  EXPECT_FALSE(std::filesystem::exists(objects + compute_verity(std::string(64, 's')).value().object_path()));
}

TEST(Scan, NamesTheRootThatIsMissing) {
  const TempDirectory root;
  const auto missing = scan(root.path("missing"), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::not_found);
  EXPECT_NE(missing.error().what().find(root.path("missing")), std::string::npos);
  EXPECT_EQ(scan(root.write("file", ""), {}).error().code(), Code::not_found);
}

TEST(Scan, NamesWhatCannotBeRead) {
  const TempDirectory root;
  ASSERT_EQ(::chmod(root.write("dir/secret", "s").c_str(), 0), 0);
  ASSERT_EQ(::chmod(root.path().c_str(), 0755), 0);
  const uid_t user = ::geteuid();
  constexpr uid_t nobody = 65534;
  if (user == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);  // root reads everything
  }
  const auto tree = scan(root.path(), {});
  ASSERT_EQ(::seteuid(user), 0);
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code(), Code::io_error);
  EXPECT_NE(tree.error().what().find(root.path("dir/secret")), std::string::npos);
}

// A writer that never rests changes some file between the two looks at it.
TEST(Scan, ReportsAFileThatChanges) {
  const TempDirectory root;
  const std::string path = root.write("busy", std::string(64UL << 20, 'b'));
  std::atomic<bool> done = false;
  std::thread writer([&] {
    const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    while (!done) {
      (void)!::pwrite(file.get(), "x", 1, 0);
    }
  });
  Result<FileTree> tree;
  for (int i = 0; i < 50 && tree; ++i) {
    tree = scan(root.path(), {});
  }
  done = true;
  writer.join();
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().code(), Code::input_changed);
  EXPECT_NE(tree.error().what().find(path), std::string::npos);
}

TEST(Scan, SurvivesFilesThatComeAndGo) {
  const TempDirectory root;
  for (int i = 0; i < 200; ++i) {
    root.write(cat("d", i % 5, "/f", i), std::string(100, 'x'));
  }
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; !done; i = (i + 1) % 200) {
      const std::string path = root.path(cat("d", i % 5, "/f", i));
      ::unlink(path.c_str());
      ::mkfifo(path.c_str(), 0600);
      ::unlink(path.c_str());
      ::symlink("x", path.c_str());
    }
  });
  for (int i = 0; i < 30; ++i) {
    const auto tree = scan(root.path(), {});
    if (!tree) {
      EXPECT_EQ(tree.error().code(), Code::input_changed) << tree.error().line();
    }
  }
  done = true;
  writer.join();
}

}  // namespace
}  // namespace cfs
