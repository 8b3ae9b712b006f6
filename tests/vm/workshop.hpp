// SPDX-License-Identifier: Apache-2.0
// Makes what VM tests boot, with the programs as they ship, and tampers with it as an attacker would.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "unit/temp_directory.hpp"

namespace cfs::test {

struct Outcome {
  int status = -1;     // exit status; 128 + signal when it was killed
  std::string output;  // standard output
  std::string errors;  // standard error
};

// Runs a program found by PATH.
[[nodiscard]] Outcome run(const std::vector<std::string>& command);

// The same where failure would make the test meaningless: throws std::runtime_error with all that it said.
// Returns its standard output without the final line feed.
std::string must(const std::vector<std::string>& command);

// Runs a program of a root directory in it, with this machine's /dev, /proc and /sys.
[[nodiscard]] Outcome run_in(const std::filesystem::path& root, const std::vector<std::string>& command);

// cfs-sign as it ships.
inline constexpr auto cfs_sign_program = CFS_PROGRAMS "/sign/cfs-sign";
std::string cfs_sign(std::vector<std::string> arguments);

// The program that cfs-sign puts into initramfs archives, as it ships.
inline constexpr auto initrd_program = CFS_PROGRAMS "/initrd/composefs-root";

// Installs a component of the project into a root directory, as its user would.
void install(const std::string& component, const std::filesystem::path& root);

// The program mkcomposefs of Debian testing.
[[nodiscard]] std::string mkcomposefs();

void write(const std::filesystem::path& path, std::string_view bytes);

// Where a test makes what it boots.
using Workshop = TempDirectory;
inline std::filesystem::path operator/(const Workshop& workshop, std::string_view name) {
  return workshop.path(name);
}

// Whether tests/run --full asks, by the environment variable CFS_FULL, for what takes long, too.
[[nodiscard]] bool full_run();

// Opens, for an untrusted command line, what tests ask of kernels and systemd by it.
inline const std::string test_words =
    "[cmdline]\n"
    "allow = [\"composefs-root-demo.*\", \"systemd.firstboot=off\", \"security=selinux\", \"selinux=1\",\n"
    "  \"lockdown=integrity\", \"module.sig_enforce=1\", \"initcall_debug\", \"cryptomgr.notests\", "
    "\"nokaslr\",\n"
    "  \"no_timer_check\", \"trace_event=sched:sched_process_exec\", \"trace_clock=mono\", \"probe\"]\n";

// For a device that boots what `cfs-sign disk` made, state and all. Under emulation a disk can take long to
// appear.
inline const std::string disk_policy =
    "image-id = \"demo\"\n"
    "store = \"PARTLABEL=composefs-store\"\n"
    "device-timeout = 120\n"
    "[state]\n"
    "device = \"PARTLABEL=composefs-state\"\n"
    "var = \"bind\"\n"
    "[failure]\n"
    "action = \"poweroff\"\n" +
    test_words;

// A root with the guest program (guest.cpp) as its init, /etc, /var, and files to read in /data. `release`
// goes into /etc/release, and its length into the contents of /etc/large, so that two roots differ.
void make_small_root(const std::filesystem::path& root, std::string_view release);

// Composes ROOT into STORE, makes a manifest of that name for image id "demo", and signs it. Returns the
// digest.
std::string add_image(const std::filesystem::path& store, const std::filesystem::path& root,
                      const std::string& manifest_name, const std::filesystem::path& key,
                      const std::vector<std::string>& manifest_options = {},
                      const std::vector<std::string>& compose_options = {});

// An ext4 file system in a file, tampered with through debugfs.
class StoreFileSystem {
 public:
  // `image` is what `cfs-sign disk --raw` made.
  explicit StoreFileSystem(std::filesystem::path image) : image_(std::move(image)) {}

  // One debugfs command, such as "unlink PATH".
  void edit(const std::string& command) const;

  // Leaves a journal behind that is to be replayed, and writes these blocks of 4096 bytes, which are from the
  // start of the file system.
  void leave_journal(std::string_view first_blocks) const;

  // Flips the lowest bit of the byte at `offset` of the file's data on disk, behind the file system's back.
  void flip_bit(const std::string& path, unsigned long offset) const;

  // Overwrites the file's data on disk, from its start; its size stays.
  void overwrite(const std::string& path, std::string_view bytes) const;

  // Makes `path` another name for the file `other`.
  void replace_by(const std::string& path, const std::string& other) const;

  void replace_by_link(const std::string& path, const std::string& target) const;

  // Takes fs-verity from a file.
  void clear_verity(const std::string& path) const;

 private:
  [[nodiscard]] unsigned long position(const std::string& path, unsigned long offset) const;
  std::filesystem::path image_;
};

// The fs-verity digest of a file, by the fsverity program: "sha256:<hex>".
[[nodiscard]] std::string verity_digest(const std::filesystem::path& file);

// "composefs/objects/ab/cdef…" of a "sha256:<hex>" digest.
[[nodiscard]] std::string object_path(std::string_view digest);

// A newc cpio archive, uncompressed: the kernel unpacks several one after the other, later files over
// earlier.
struct ArchiveFile {
  std::string path;  // without a leading '/'
  std::string bytes;
  unsigned mode = 0100644;
};
[[nodiscard]] std::string make_archive(const std::vector<ArchiveFile>& files);

}  // namespace cfs::test
