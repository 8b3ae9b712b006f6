// SPDX-License-Identifier: Apache-2.0
// What compose does with a tree that it cannot take: one clear error that names the path, and a sound store.
// Needs root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include "golden/gate.hpp"
#include "golden/other_user.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

class BadInput : public ::testing::Test {
 protected:
  BadInput() {
    fs::create_directories(tree_ / "data/sub");
    for (const char* name : {"data/a", "data/b", "data/sub/c"}) {
      write(tree_ / name, std::string(1000, *name) + name);
    }
  }

  [[nodiscard]] Words compose() const { return {"compose", "--store", store_, tree_}; }

  [[nodiscard]] static Outcome run_cfs_sign(Words arguments) {
    arguments.insert(arguments.begin(), cfs_sign_program);
    return run(arguments);
  }

  // With one line, and no image of it in the store.
  void expect_refused(const Outcome& outcome, const std::string& error) const {
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, ::testing::StartsWith("cfs-sign: " + error));
    EXPECT_EQ(outcome.errors.find('\n'), outcome.errors.size() - 1) << outcome.errors;
    EXPECT_TRUE(fs::is_empty(store_ / "images"));
  }

  // The store takes the tree, now that it is a good one, as if nothing had been.
  void expect_sound_store() const {
    const std::string digest = cfs_sign(compose());
    EXPECT_EQ(digest, cfs_sign({"compose", "--digest-only", tree_}));
    EXPECT_EQ("sha256:" + must({mkcomposefs(), "--print-digest-only", tree_}), digest);
    cfs_sign({"fsck", "--store", store_});
  }

  Workshop workshop_;
  fs::path tree_ = workshop_ / "tree";
  fs::path store_ = workshop_ / "store";
};

TEST_F(BadInput, AFileThatCannotBeRead) {
  const OtherUser user;
  fs::permissions(workshop_.path(), fs::perms(0755));
  fs::create_directory(store_);
  ASSERT_EQ(::chown(store_.c_str(), OtherUser::id, OtherUser::id), 0);
  fs::permissions(tree_ / "data/b", fs::perms::none);
  expect_refused(run(user.command(compose())),
                 "io-error: " + (tree_ / "data/b").string() + ": open: Permission denied");
  fs::permissions(tree_ / "data/b", fs::perms(0644));
  EXPECT_EQ(must(user.command(compose())), cfs_sign({"compose", "--digest-only", tree_}));
  expect_sound_store();
}

// What happens to the file that is being read: a small one is read whole, a large one block by block.
struct Change {
  const char* name;
  std::size_t size;
  void (*make)(const fs::path& path);
  const char* error;

  friend std::ostream& operator<<(std::ostream& out, const Change& change) { return out << change.name; }
};

auto name_of = [](const auto& tested) { return std::string(tested.param.name); };

void append(const fs::path& path) {
  std::ofstream(path, std::ios::app) << "more";
}

void overwrite(const fs::path& path) {
  std::fstream(path, std::ios::in | std::ios::out) << "other";
}

void shrink(const fs::path& path) {
  fs::resize_file(path, 10);
}

void protect(const fs::path& path) {
  fs::permissions(path, fs::perms(0400));
}

class ChangingFile : public BadInput, public ::testing::WithParamInterface<Change> {};

TEST_P(ChangingFile, IsRefused) {
  const Change& change = GetParam();
  const auto path = tree_ / "data/busy";
  write(path, std::string(change.size, 'x'));
  const timespec past[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), past, 0), 0);
  {
    const Gate gate(path, [&](int n) {
      if (n == 1) {
        change.make(path);
      }
    });
    expect_refused(run_cfs_sign(compose()), "input-changed: " + path.string() + ": " + change.error);
  }
  expect_sound_store();
}

constexpr const char* changed = "it changed while it was read";

INSTANTIATE_TEST_SUITE_P(BadInput, ChangingFile,
                         ::testing::Values(Change{"InlineGrows", 20, append, changed},
                                           Change{"SmallGrows", 5000, append, changed},
                                           Change{"SmallIsOverwritten", 5000, overwrite, changed},
                                           Change{"SmallShrinks", 5000, shrink, "it ends at byte 10"},
                                           Change{"ModeChanges", 5000, protect, changed},
                                           Change{"LargeGrows", 3000000, append, changed},
                                           Change{"LargeIsOverwritten", 3000000, overwrite, changed},
                                           Change{"LargeShrinks", 3000000, shrink, "it ends at byte "}),
                         name_of);

// What happens between the moment that a directory's entries are known and the one that they are opened.
struct Removal {
  const char* name;
  void (*make)(const fs::path& directory);

  friend std::ostream& operator<<(std::ostream& out, const Removal& removal) { return out << removal.name; }
};

void remove_file(const fs::path& directory) {
  fs::remove(directory / "b");
}

void remove_directory(const fs::path& directory) {
  fs::remove_all(directory / "sub");
}

void file_to_link(const fs::path& directory) {
  fs::remove(directory / "b");
  fs::create_symlink("a", directory / "b");
}

void file_to_fifo(const fs::path& directory) {
  fs::remove(directory / "b");
  (void)!::mkfifo((directory / "b").c_str(), 0600);
}

class VanishingEntry : public BadInput, public ::testing::WithParamInterface<Removal> {};

TEST_P(VanishingEntry, IsRefused) {
  const auto directory = tree_ / "data";
  {
    const Gate gate(directory, [&](int n) {
      if (n == 2) {  // the first had all the entries, this one says that there are no more
        GetParam().make(directory);
      }
    });
    // The entry, or its directory, which changed too: whichever is seen first.
    expect_refused(run_cfs_sign(compose()), "input-changed: " + directory.string());
  }
  expect_sound_store();
}

INSTANTIATE_TEST_SUITE_P(BadInput, VanishingEntry,
                         ::testing::Values(Removal{"File", remove_file},
                                           Removal{"Directory", remove_directory},
                                           Removal{"FileBecomesALink", file_to_link},
                                           Removal{"FileBecomesAFifo", file_to_fifo}),
                         name_of);

TEST_F(BadInput, ADirectoryMountedBelowItself) {
  for (const char* mounted : {"", "data"}) {
    expect_refused(
        run({"unshare", "--mount", "sh", "-c", "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"", "sh",
             tree_ / mounted, tree_ / "data/sub", cfs_sign_program, "compose", "--store", store_, tree_}),
        "unsupported-input: " + (tree_ / "data/sub").string() + ": this directory is mounted below itself");
  }
  expect_sound_store();
}

}  // namespace
}  // namespace cfs::test
