// SPDX-License-Identifier: Apache-2.0
// Stores through the programs as they ship: whatever interrupts a compose, the store stays sound and the next
// compose gives the right digest. Needs root, for a small file system to fill.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <thread>

#include "cfs/base/fd.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* program = CFS_PROGRAMS "/sign/cfs-sign";

// A program that runs beside the test.
class Child {
 public:
  explicit Child(std::vector<std::string> command) : pid_(::fork()) {
    if (pid_ == 0) {
      std::vector<char*> words;
      for (std::string& word : command) {
        words.push_back(word.data());
      }
      words.push_back(nullptr);
      const int null = ::open("/dev/null", O_RDWR);
      ::dup2(null, 1);
      ::dup2(null, 2);
      ::execvp(words[0], words.data());
      ::_exit(127);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      (void)::kill(pid_, SIGKILL);
      (void)wait();
    }
  }

  void send(int signal) const { (void)::kill(pid_, signal); }

  // Whether it ends by itself in this time.
  bool ends_within(milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    siginfo_t info{};
    while (std::chrono::steady_clock::now() < end && info.si_pid == 0) {
      std::this_thread::sleep_for(milliseconds(2));
      (void)::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    }
    return info.si_pid != 0;
  }

  // Exit status; 128 + signal when it was killed.
  int wait() {
    int status = 0;
    (void)::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

// `count` files of some kilobytes, each with contents of its own that `seed` chooses.
void make_tree(const fs::path& tree, unsigned count, unsigned seed) {
  std::mt19937 random(seed);
  for (unsigned i = 0; i < count; ++i) {
    const fs::path directory = tree / ("d" + std::to_string(i % 10));
    fs::create_directories(directory);
    std::string bytes(100 + random() % 40000, static_cast<char>('a' + i % 26));
    bytes += std::to_string(random());
    write(directory / std::to_string(i), bytes);
  }
}

class StoreCare : public ::testing::Test {
 protected:
  StoreCare() { make_tree(tree_, 600, 1); }

  [[nodiscard]] std::vector<std::string> compose_command(const fs::path& store) const {
    return {program, "compose", "--store", store, tree_};
  }

  static void expect_sound(const fs::path& store) {
    const Outcome outcome = run({program, "fsck", "--store", store});
    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
  }

  // What must hold after any accident.
  void expect_usable(const fs::path& store) {
    if (fs::exists(store / "objects")) {
      expect_sound(store);
    }
    const Outcome again = run(compose_command(store));
    EXPECT_EQ(again.output, digest_ + '\n') << again.errors;
    expect_sound(store);
  }

  // A compose with an accident, as strace(1) writes those: "write:error=EIO:when=7".
  [[nodiscard]] Outcome compose_with(const fs::path& store, const std::string& accident) const {
    std::vector<std::string> command{"strace",
                                     "-f",
                                     "-qqq",
                                     "-o",
                                     "/dev/null",
                                     "-E",
                                     "ASAN_OPTIONS=detect_leaks=0",  // which does not work below strace
                                     "-e",
                                     "trace=" + accident.substr(0, accident.find(':')),
                                     "-e",
                                     "inject=" + accident};
    const auto compose = compose_command(store);
    command.insert(command.end(), compose.begin(), compose.end());
    return run(command);
  }

  Workshop workshop_;
  fs::path tree_ = workshop_ / "tree";
  fs::path store_ = workshop_ / "store";
  std::string digest_ = [this] {
    fs::create_directory(tree_);
    return std::string();
  }();
};

class Interrupted : public StoreCare {
 protected:
  Interrupted() { digest_ = cfs_sign({"compose", "--digest-only", tree_}); }
};

TEST_F(Interrupted, AtAnyTime) {
  const auto begin = std::chrono::steady_clock::now();
  must(compose_command(workshop_ / "whole"));
  auto whole = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
  std::mt19937 random(20261124);
  int interrupted = 0;
  for (int i = 0; i < 100 && interrupted < 20; ++i) {
    const fs::path store = workshop_ / ("store" + std::to_string(i));
    const microseconds delay(whole.count() * static_cast<microseconds::rep>(random() % 1000) / 1000);
    SCOPED_TRACE(std::to_string(delay.count()) + " us");
    Child compose(compose_command(store));
    std::this_thread::sleep_for(delay);
    compose.send(i % 2 == 0 ? SIGKILL : SIGINT);
    if (compose.wait() != 0) {
      ++interrupted;
    } else {
      whole = std::max(delay, microseconds(1000));  // it takes no longer than that
    }
    expect_usable(store);
    fs::remove_all(store);
  }
  EXPECT_EQ(interrupted, 20);
}

TEST_F(Interrupted, AtEveryStepThatChangesTheStore) {
  int round = 0;
  for (const char* const accident :
       {"mkdirat:signal=KILL:when=3", "mkdirat:signal=KILL:when=9", "syncfs:signal=KILL:when=1",
        "syncfs:signal=KILL:when=2", "syncfs:signal=KILL:when=3", "linkat:signal=KILL:when=1",
        "linkat:signal=KILL:when=100", "symlinkat:signal=KILL:when=1", "write:signal=INT:when=50",
        "linkat:signal=INT:when=20"}) {
    SCOPED_TRACE(accident);
    const fs::path store = workshop_ / ("store" + std::to_string(round++));
    EXPECT_GT(compose_with(store, accident).status, 128);
    expect_usable(store);
    fs::remove_all(store);
  }
}

TEST_F(Interrupted, ByErrorsOfTheDevice) {
  int round = 0;
  for (const char* const accident :
       {"write:error=EIO:when=50", "syncfs:error=EIO:when=1", "syncfs:error=EIO:when=3",
        "linkat:error=EIO:when=100", "linkat:error=ENOSPC:when=1", "mkdirat:error=EROFS:when=7",
        "symlinkat:error=EIO:when=1", "pread64:error=EIO:when=40", "fchmod:error=EPERM:when=9"}) {
    SCOPED_TRACE(accident);
    const fs::path store = workshop_ / ("store" + std::to_string(round++));
    const Outcome outcome = compose_with(store, accident);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, StartsWith("cfs-sign: io-error: "));
    EXPECT_EQ(outcome.output, "");
    expect_usable(store);
    fs::remove_all(store);
  }
}

TEST_F(Interrupted, ByAFullFileSystem) {
  fs::create_directory(workshop_ / "small");
  ASSERT_EQ(::mount("none", (workshop_ / "small").c_str(), "tmpfs", 0, "size=4m"), 0) << "needs root";
  const fs::path store = workshop_ / "small" / "store";
  const Outcome full = run(compose_command(store));
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.errors, HasSubstr("No space left on device"));
  EXPECT_THAT(full.errors, HasSubstr(tree_.string()));
  expect_sound(store);
  EXPECT_EQ(::mount("none", (workshop_ / "small").c_str(), "tmpfs", MS_REMOUNT, "size=40m"), 0);
  expect_usable(store);
  EXPECT_EQ(::umount((workshop_ / "small").c_str()), 0);
}

TEST_F(Interrupted, ByAnotherCompose) {
  fs::create_directory(workshop_ / "second");
  make_tree(workshop_ / "second", 600, 1);
  make_tree(workshop_ / "second/more", 300, 2);
  const std::string second = cfs_sign({"compose", "--digest-only", workshop_ / "second"});
  Child one(compose_command(store_));
  Child two({program, "compose", "--store", store_, workshop_ / "second"});
  Child three(compose_command(store_));
  EXPECT_EQ(one.wait(), 0);
  EXPECT_EQ(two.wait(), 0);
  EXPECT_EQ(three.wait(), 0);
  EXPECT_TRUE(fs::is_symlink(store_ / "images" / digest_.substr(7)));
  EXPECT_TRUE(fs::is_symlink(store_ / "images" / second.substr(7)));
  const std::string report = cfs_sign({"fsck", "--store", store_, "--json"});
  EXPECT_THAT(report, StartsWith("{\"sound\":true,"));
  EXPECT_THAT(report, HasSubstr("\"images\":2,\"orphans\":0,"));
}

TEST_F(StoreCare, SharesContentsWithTheTreeWhereTheFileSystemCan) {
  const fs::path mounted = workshop_ / "btrfs";
  fs::create_directory(mounted);
  must({"truncate", "--size=256M", workshop_ / "btrfs.img"});
  must({"mkfs.btrfs", "--quiet", workshop_ / "btrfs.img"});
  if (run({"mount", "-o", "loop", workshop_ / "btrfs.img", mounted}).status != 0) {
    GTEST_SKIP() << "this kernel cannot mount btrfs";
  }
  fs::create_directory(mounted / "tree");
  write(mounted / "tree/large", std::string(50UL << 20, 'l'));
  must({"sync", "--file-system", mounted});
  const auto free_before = fs::space(mounted).free;
  cfs_sign({"compose", "--store", mounted / "store", mounted / "tree"});
  EXPECT_LT(free_before - fs::space(mounted).free, 10UL << 20);
  expect_sound(mounted / "store");
  must({"umount", mounted});
}

TEST_F(StoreCare, SaysWhatAComposeAdded) {
  EXPECT_THAT(cfs_sign({"compose", "--json", "--store", store_, tree_}),
              AllOf(HasSubstr("\"files\":611,"), HasSubstr("\"objects-added\":601,")));
  EXPECT_THAT(cfs_sign({"compose", "--json", "--store", store_, tree_}),
              HasSubstr("\"objects-added\":0,\"bytes-added\":0}"));
  EXPECT_THAT(cfs_sign({"compose", "--json", "--digest-only", tree_}), Not(HasSubstr("added")));
}

TEST_F(StoreCare, CollectsWhatNoSlotNeedsAndFindsDamage) {
  cfs_sign({"keygen", workshop_ / "release"});
  add_image(store_, tree_, "old", workshop_ / "release.key");
  make_tree(tree_ / "new", 20, 3);
  fs::remove_all(tree_ / "d0");
  const std::string digest = add_image(store_, tree_, "new", workshop_ / "release.key");
  cfs_sign({"slot", "--store", store_, "current", "new"});

  EXPECT_THAT(cfs_sign({"gc", "--store", store_, "--keep", "old"}), StartsWith("freed 0 bytes: 0 objects;"));
  EXPECT_THAT(cfs_sign({"gc", "--store", store_, "--dry-run"}),
              HasSubstr("would remove manifests/old.toml\nwould remove manifests/old.toml.sig\n"));
  EXPECT_THAT(cfs_sign({"gc", "--store", store_, "--dry-run", "--json"}),
              HasSubstr("\"objects\":61,\"objects-kept\":561,"));
  EXPECT_THAT(cfs_sign({"gc", "--store", store_}), HasSubstr(" bytes: 61 objects; 561 stay"));
  EXPECT_EQ(cfs_sign({"compose", "--store", store_, tree_}), digest);
  expect_sound(store_);

  const fs::path object = store_ / fs::path(object_path(digest)).lexically_relative("composefs");
  fs::remove(object);
  const Outcome unsound = run({program, "fsck", "--store", store_});
  EXPECT_EQ(unsound.status, 1);
  EXPECT_THAT(unsound.output, StartsWith("image-missing: manifests/new.toml: "));
  EXPECT_THAT(unsound.errors, StartsWith("cfs-sign: image-missing: "));
}

TEST_F(StoreCare, GcWaitsForACompose) {
  cfs_sign({"keygen", workshop_ / "release"});
  add_image(store_, tree_, "demo", workshop_ / "release.key");
  cfs_sign({"slot", "--store", store_, "current", "demo"});
  Fd objects(::open((store_ / "objects").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(objects.get(), LOCK_SH), 0);  // as a compose has it
  Child gc({program, "gc", "--store", store_});
  Child report({program, "gc", "--store", store_, "--dry-run"});
  EXPECT_EQ(report.wait(), 0);
  EXPECT_FALSE(gc.ends_within(milliseconds(200)));
  objects = Fd();
  EXPECT_EQ(gc.wait(), 0);
  expect_sound(store_);
}

TEST_F(StoreCare, GcAndComposeBesideEachOther) {
  cfs_sign({"keygen", workshop_ / "release"});
  const std::string digest = add_image(store_, tree_, "demo", workshop_ / "release.key");
  cfs_sign({"slot", "--store", store_, "current", "demo"});
  make_tree(workshop_ / "second", 300, 2);
  for (int i = 0; i < 8; ++i) {
    Child compose({program, "compose", "--store", store_, workshop_ / "second"});
    std::this_thread::sleep_for(milliseconds(10 * i));
    Child gc({program, "gc", "--store", store_});
    EXPECT_EQ(compose.wait(), 0);
    EXPECT_EQ(gc.wait(), 0);
    expect_sound(store_);
  }
  EXPECT_EQ(cfs_sign({"compose", "--store", store_, tree_}), digest);
}

}  // namespace
}  // namespace cfs::test
