// SPDX-License-Identifier: Apache-2.0
// The same input gives the same bytes: for another user, with another umask, time zone, locale, environment
// and working directory, on another file system that lists directories in another order, and later. Needs
// root, to become another user.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "golden/other_user.hpp"
#include "vm/small_machine.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

std::vector<fs::path> listed(const fs::path& directory) {
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

class Reproducible : public ::testing::Test {
 protected:
  // Makes what the test compares below a directory, which is the input's, with such a cfs-sign.
  using Make = std::function<void(const fs::path& at, const std::function<std::string(Words)>& run)>;

  Reproducible() {
    ::umask(022);
    ::unsetenv("SOURCE_DATE_EPOCH");  // which would have its effect in one place only
    cfs_sign({"keygen", here_ / "device"});
  }

  // Expects the same bytes in these files, made here and there.
  void expect_equal(const Make& make, const Words& files) {
    must({"cp", "-a", (here_ / ".").string(), there_.path()});
    ASSERT_EQ(::chown(there_.path().c_str(), OtherUser::id, OtherUser::id), 0);
    ASSERT_EQ(::chown((there_ / "device.key").c_str(), OtherUser::id, OtherUser::id), 0);
    make(here_.path(), [](const Words& arguments) { return cfs_sign(arguments); });
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // a second that a time would show
    make(there_.path(), [this](const Words& arguments) { return elsewhere(arguments); });
    for (const std::string& file : files) {
      must({"cmp", here_ / file, there_ / file});
    }
  }

  [[nodiscard]] std::string elsewhere(const Words& arguments) const {
    Words command{"env",
                  "-i",
                  "--chdir=/dev",
                  "PATH=/usr/bin:/bin",
                  "HOME=/nonexistent",
                  "TZ=XXX-14",
                  "LC_ALL=C.UTF-8",
                  "sh",
                  "-c",
                  "umask 077; exec \"$@\"",
                  "sh"};
    const Words program = user_.command(arguments);
    command.insert(command.end(), program.begin(), program.end());
    return must(command);
  }

  Workshop here_;
  Workshop there_{"/dev/shm"};
  OtherUser user_;
};

TEST_F(Reproducible, StoresAndDisks) {
  make_small_root(here_ / "root", "first");
  for (int i = 0; i < 300; ++i) {
    write(here_ / ("root/data/file-" + std::to_string(i)),
          std::string(100 + static_cast<std::size_t>(i), 'x'));
  }
  expect_equal(
      [](const fs::path& at, const auto& run) {
        const auto store = at / "store";
        const std::string digest = run({"compose", "--store", store, at / "root"});
        write(at / "digest", digest + run({"compose", "--digest-only", "--format", "v1", at / "root"}));
        const std::string manifest = run({"manifest", "--store", store, "--image-id", "demo", "--version",
                                          "1", "--security-version", "1", "--name", "demo", digest});
        run({"sign", "--key", at / "device.key", manifest});
        run({"slot", "--store", store, "current", "demo"});
        run({"disk", "--store", store, "-o", at / "disk"});
        run({"disk", "--store", store, "--raw", "-o", at / "raw"});
      },
      {"digest", "disk", "raw"});
  EXPECT_NE(listed(here_ / "root/data"), listed(there_ / "root/data")) << "the same order proves nothing";
}

TEST_F(Reproducible, Initramfs) {
  must({"cp", "-a", debian_kernel("trixie").modules, here_ / "modules"});
  write(here_ / "policy.toml", "image-id = \"demo\"\nstore = \"LABEL=store\"\n");
  fs::create_directory(here_ / "keys");
  for (const char* key : {"a", "b", "c", "d"}) {
    cfs_sign({"keygen", here_ / key});
    fs::copy_file(here_ / (std::string(key) + ".pub"), here_ / "keys" / (std::string(key) + ".pub"));
  }
  expect_equal(
      [this](const fs::path& at, const auto& run) {
        run({"initramfs", "--policy", at / "policy.toml", "--keys", at / "keys", "--modules", at / "modules",
             "--module", "virtio_blk", "--program", user_.composefs_root(), "-o", at / "initramfs"});
      },
      {"initramfs"});
  EXPECT_NE(listed(here_ / "keys"), listed(there_ / "keys")) << "the same order proves nothing";
}

}  // namespace
}  // namespace cfs::test
