// SPDX-License-Identifier: Apache-2.0
// Where the programs as they ship write what the user names: into devices and FIFOs, and where links lead.
// Needs root.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <thread>

#include "cfs/base/fd.hpp"
#include "vm/workshop.hpp"

namespace cfs::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto booted_root = CFS_SOURCE "/tests/golden/status";

// A file of `size` bytes as a block device; no path where this machine has none to spare.
class LoopDevice {
 public:
  LoopDevice(const fs::path& file, std::uintmax_t size) {
    write(file, std::string(100, 'x'));  // what was there before
    fs::resize_file(file, size);
    const Outcome made = run({"losetup", "--find", "--show", file});
    path_ = made.status == 0 ? made.output.substr(0, made.output.find('\n')) : "";
  }
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  ~LoopDevice() {
    if (!path_.empty()) {
      (void)run({"losetup", "--detach", path_});
    }
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

class Outputs : public ::testing::Test {
 protected:
  Outputs() {
    fs::create_directory(workshop_ / "tree");
    write(workshop_ / "tree/file", std::string(100000, 'f'));
    cfs_sign({"compose", "--store", workshop_ / "store", workshop_ / "tree"});
  }

  [[nodiscard]] Outcome disk(const std::string& output, std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {cfs_sign_program, "disk", "--store", workshop_ / "store", "-o", output});
    return run(options);
  }

  Workshop workshop_;
};

TEST_F(Outputs, ADiskGoesToABlockDevice) {
  const std::string image = workshop_ / "disk.img";
  const LoopDevice device(workshop_ / "device", 64UL << 20);
  if (device.path().empty()) {
    GTEST_SKIP() << "no loop device to spare";
  }
  ASSERT_EQ(disk(image, {"--raw"}).status, 0);
  const Outcome raw = disk(device.path(), {"--raw"});
  ASSERT_EQ(raw.status, 0) << raw.errors;
  EXPECT_TRUE(fs::is_block_file(device.path()));
  const std::string expected = read_bytes(image);
  EXPECT_EQ(read_bytes(device.path()).substr(0, expected.size()), expected);

  const Outcome whole = disk(device.path(), {"--state-size", "8M"});
  ASSERT_EQ(whole.status, 0) << whole.errors;
  EXPECT_THAT(run({"sfdisk", "--dump", device.path()}).output,
              testing::AllOf(HasSubstr("label: gpt"), HasSubstr("name=\"composefs-store\""),
                             HasSubstr("name=\"composefs-state\"")));
  const Outcome checked = run({"sfdisk", "--verify", device.path()});
  EXPECT_THAT(checked.output, HasSubstr("No errors detected"));

  const Outcome large = disk(device.path());  // with 256 MiB for state
  EXPECT_EQ(large.status, 1);
  EXPECT_THAT(large.errors, HasSubstr("the device has 67108864 bytes, and "));
}

TEST_F(Outputs, ADiskLeavesABlockDeviceAloneThatIsInUse) {
  const LoopDevice device(workshop_ / "device", 64UL << 20);
  if (device.path().empty()) {
    GTEST_SKIP() << "no loop device to spare";
  }
  const std::string before = read_bytes(device.path());
  const Fd user(::open(device.path().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));  // as a mount has it
  ASSERT_TRUE(user);
  const Outcome refused = disk(device.path(), {"--raw"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.errors,
            "cfs-sign: io-error: " + device.path() +
                " is mounted, or in use otherwise: check the path, the permissions and the free space\n");
  EXPECT_EQ(read_bytes(device.path()), before);
}

TEST_F(Outputs, ADeviceStaysADevice) {
  const Outcome no_disk = disk("/dev/full");
  EXPECT_EQ(no_disk.status, 2);
  EXPECT_THAT(no_disk.errors, HasSubstr("/dev/full is neither a file nor a block device"));
  const Outcome full = run({cfs_sign_program, "boot-chart", "--root", booted_root, "-o", "/dev/full"});
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.errors, HasSubstr("/dev/full: write: No space left on device"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(Outputs, AFifoStaysAFifoAndALinkALink) {
  const std::string expected = read_bytes(std::string(booted_root) + "/expected.svg");
  const fs::path fifo = workshop_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = read_bytes(fifo); });
  cfs_sign({"boot-chart", "--root", booted_root, "-o", fifo});
  reader.join();
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(fs::is_fifo(fifo));

  fs::create_symlink("target", workshop_ / "link");
  cfs_sign({"boot-chart", "--root", booted_root, "-o", workshop_ / "link"});
  EXPECT_TRUE(fs::is_symlink(workshop_ / "link"));
  EXPECT_EQ(read_bytes(workshop_ / "target"), expected);
  EXPECT_EQ(cfs_sign({"boot-chart", "--root", booted_root, "-o", "-"}) + '\n', expected);
}

TEST_F(Outputs, KeysGoWhereLinksLead) {
  fs::create_directory(workshop_ / "safe");
  write(workshop_ / "safe/old", "old key");
  fs::create_symlink("safe/old", workshop_ / "release.key");
  const std::string prefix = workshop_ / "release";
  EXPECT_THAT(run({cfs_sign_program, "keygen", prefix}).errors, StartsWith("cfs-sign: already-exists: "));
  EXPECT_EQ(read_bytes(workshop_ / "safe/old"), "old key");
  cfs_sign({"keygen", "--force", prefix});
  EXPECT_TRUE(fs::is_symlink(workshop_ / "release.key"));
  EXPECT_THAT(read_bytes(workshop_ / "safe/old"), StartsWith("-----BEGIN PRIVATE KEY-----"));
}

// Where memory ends, also in code of the initramfs, which is built without exceptions.
TEST_F(Outputs, LackOfMemoryIsSaid) {
  write(workshop_ / "large", "");
  fs::resize_file(workshop_ / "large", 1UL << 30);
  for (const char* limit : {"200000", "400000"}) {
    const Outcome outcome = run({"sh", "-c", "ulimit -v \"$1\" && exec \"$2\" inspect \"$3\"", "sh", limit,
                                 cfs_sign_program, workshop_ / "large"});
    EXPECT_EQ(outcome.status, 1) << limit;
    EXPECT_EQ(outcome.errors,
              "cfs-sign: io-error: out of memory: end other programs, or raise the limit (ulimit -v)\n");
    EXPECT_EQ(outcome.output, "");
  }
}

}  // namespace
}  // namespace cfs::test
