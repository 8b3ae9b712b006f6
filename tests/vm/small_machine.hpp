// SPDX-License-Identifier: Apache-2.0
// What the VM tests of the small root share: made once, copied and tampered with by each.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "qemu/machine.hpp"
#include "workshop.hpp"

namespace cfs::test {

// A kernel and its modules, from a Debian suite.
struct KernelFiles {
  std::filesystem::path image;
  std::filesystem::path modules;  // …/lib/modules/KVER
};
// Made by qemu/debian-kernel, cached. Throws std::runtime_error.
[[nodiscard]] KernelFiles debian_kernel(const std::string& suite);

struct InitramfsParts {
  std::filesystem::path policy;
  std::filesystem::path keys;  // a directory
  KernelFiles kernel;
  std::filesystem::path output;
};
// The initramfs for PID 1 that cfs-sign makes for the disks of these machines, with these options besides.
// Returns `output`. Throws std::runtime_error.
std::filesystem::path make_initramfs(const InitramfsParts& parts,
                                     const std::vector<std::string>& options = {});

// A signed image of the small root, and everything a device needs to boot it.
class SmallMachine {
 public:
  static constexpr auto suite = "trixie";  // Linux 6.12

  SmallMachine();

  // The workshop in which this machine's files lie; tests may add their own.
  [[nodiscard]] const Workshop& workshop() const { return workshop_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }              // of the image "first"
  [[nodiscard]] const std::string& other_digest() const { return other_digest_; }  // of the image "second"

  // A fresh copy of the raw store: slot current holds "first", slot previous is empty; "second" is in the
  // store.
  [[nodiscard]] std::filesystem::path copy_of_store_disk(const std::string& name) const;

  // A raw store disk of a store directory that the test changes in `edit` after it was filled as above.
  [[nodiscard]] std::filesystem::path store_disk(
      const std::string& name, const std::function<void(const std::filesystem::path& store)>& edit) const;

  // Such disks with what a file system must not have: an option of its own for each mount; one that comes
  // with the superblock in its journal; an image whose contents lie in its inode.
  [[nodiscard]] std::filesystem::path disk_with_mount_option(const std::string& name) const;
  [[nodiscard]] std::filesystem::path disk_with_mount_option_in_journal(const std::string& name) const;
  [[nodiscard]] std::filesystem::path disk_with_image_in_inode(const std::string& name) const;

  // The initramfs with `policy` for the kernel of `suite`.
  [[nodiscard]] const std::filesystem::path& default_initramfs() const { return initramfs_; }

  // An initramfs with this policy text for the suite's kernel, made with these options besides.
  [[nodiscard]] std::filesystem::path initramfs(const std::string& name, const std::string& policy,
                                                const std::string& kernel_suite = suite,
                                                const std::vector<std::string>& options = {}) const;

  static constexpr auto policy_without_words =
      "image-id = \"demo\"\n"
      "store = \"LABEL=composefs-store\"\n"
      "device-timeout = 3\n"
      "[state]\n"
      "var = \"transient\"\n"
      "[failure]\n"
      "action = \"poweroff\"\n";
  // That, and test_words.
  static inline const std::string policy = policy_without_words + test_words;

 private:
  Workshop workshop_;
  std::string digest_;
  std::string other_digest_;
  std::filesystem::path disk_;
  std::filesystem::path initramfs_;
};

// The one machine of the test program, made when first asked for.
const SmallMachine& small_machine();

struct Boot {
  std::vector<std::filesystem::path> disks;
  std::filesystem::path initramfs{};  // empty: SmallMachine::policy
  std::string cmdline{};              // added to the console parameters
  std::string kernel_suite = SmallMachine::suite;
  bool keep_changes = false;           // to the disks
  unsigned processors = 1;             // several take turns
  std::vector<std::string> devices{};  // more arguments for QEMU
};

// What a machine printed on its serial line; a failed expectation shows all of it.
struct SerialLog {
  std::string text;
};
void PrintTo(const SerialLog& log, std::ostream* stream);

// What the guest said after "guest: WHAT: ", line by line.
[[nodiscard]] std::string said(const SerialLog& log, const std::string& what);

// Starts a machine. Where failed tests are kept (CFS_KEEP), prints the command by which a person at a
// terminal starts the same. Throws std::runtime_error.
[[nodiscard]] Machine start(const MachineOptions& options);

// Boots until the machine powers itself off. One that has not by then fails the test, which goes on with what
// it has printed.
[[nodiscard]] SerialLog boot_until_off(const MachineOptions& options, std::chrono::seconds timeout);

// The same for the small root; a machine that has not ends the test.
[[nodiscard]] SerialLog boot(const Boot& boot);

// Matches the log of a machine that started the small root's init.
MATCHER(Started, "a machine that ran the guest program") {
  return arg.text.find("guest: started") != std::string::npos &&
         arg.text.find("guest: done") != std::string::npos;
}

// Matches the log of a machine that refused to boot with this code, and attached nothing.
MATCHER_P(RefusedWith, code, std::string("a boot refused with ") + code) {
  return arg.text.find(std::string("composefs-root: ") + code + ": ") != std::string::npos &&
         arg.text.find("guest: started") == std::string::npos &&
         arg.text.find("verified and attached") == std::string::npos;
}

MATCHER_P(Says, words, std::string("a log with \"") + words + '"') {
  return arg.text.find(words) != std::string::npos;
}

}  // namespace cfs::test
