// SPDX-License-Identifier: Apache-2.0
// cfs-files, in the guest: the init of a root whose /usr it lists, and reads, with nothing of it in memory
// and with what the listing before has left there. It marks the stages around that, and says "bench: end".
#include <fcntl.h>
#include <ftw.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "cfs/base/stage_marker.hpp"

namespace {

using cfs::Stage;

constexpr auto directory = "/usr";  // nothing is mounted below it

// The kernel panics when its init ends, and its log says why.
void check(bool done, const char* what) {
  if (!done) {
    std::perror(what);
    ::_exit(1);
  }
}

void empty_memory() {
  ::sync();
  const int file = ::open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
  check(::write(file, "3", 1) == 1, "empty the caches");
  (void)::close(file);
}

void list_files() {
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    if (nowhere >= 0 && ::dup2(nowhere, STDOUT_FILENO) >= 0) {
      (void)::execl("/bin/ls", "ls", "-lR", directory, nullptr);
    }
    ::_exit(1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0) == child && status == 0, "ls");
}

int read_file(const char* path, const struct stat*, int type, struct FTW*) {
  static std::array<char, 128UL * 1024> buffer;
  if (type == FTW_F) {
    // Links are not followed: FTW_PHYS.
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0;
    while ((length = ::read(file, buffer.data(), buffer.size())) > 0) {
    }
    check(length == 0, path);
    (void)::close(file);
  }
  return 0;
}

// For a profile, on a second disk, if there is one: where the functions of the kernel and its modules lie.
void write_symbols() {
  const int disk = ::open("/dev/vdb", O_WRONLY | O_CLOEXEC);
  const int symbols = ::open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
  static std::array<char, 64UL * 1024> buffer;
  ssize_t length = 0;
  while (disk >= 0 && (length = ::read(symbols, buffer.data(), buffer.size())) > 0) {
    check(::write(disk, buffer.data(), static_cast<std::size_t>(length)) == length, "write the symbols");
  }
  check(disk < 0 || ::fsync(disk) == 0, "write the symbols");
}

}  // namespace

int main() {
  constexpr int directories_open = 64;
  // Otherwise a file system that can be written to notes when files are read.
  check(::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0, "make / read-only");
  empty_memory();
  cfs::mark_stage<Stage::files_begin>();
  list_files();
  cfs::mark_stage<Stage::files_listed>();
  list_files();
  cfs::mark_stage<Stage::files_relisted>();
  empty_memory();
  cfs::mark_stage<Stage::files_again>();
  check(::nftw(directory, read_file, directories_open, FTW_PHYS) == 0, directory);
  cfs::mark_stage<Stage::files_read>();
  write_symbols();
  (void)std::puts("bench: end");
  (void)std::fflush(stdout);
  for (;;) {
    (void)::pause();
  }
}
