// SPDX-License-Identifier: Apache-2.0
// The /init of the floor that qemu/bench compares with: what booting takes when nothing is verified. It loads
// the modules that /modules lists (one absolute path a line), waits for the disk, mounts its ext4 or EROFS
// and executes the init there, that which init= on the kernel command line names. It is no part of the
// product.
//
// With bench.symbols on the kernel command line it instead says where the kernel's functions lie that end
// stages (ADDRESS T NAME, a line each, as /proc/kallsyms has them), then "bench: end", and powers off.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cfs/base/stage_marker.hpp"

namespace {

using cfs::Stage;
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

constexpr auto disk = "/dev/vda";
constexpr auto root = "/sysroot";
constexpr std::array symbols{"start_kernel", "run_init_process"};

// The kernel panics when it returns, and its log says where.
bool failed(const char* what) {
  std::perror(what);
  return false;
}

bool mount_file_systems() {
  return (::mount("proc", "/proc", "proc", 0, nullptr) == 0 &&
          ::mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0 &&
          ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr) == 0 &&
          ::mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0) ||
         failed("mount the kernel's file systems");
}

bool load_modules() {
  const File list(std::fopen("/modules", "re"), std::fclose);
  std::array<char, 512> line;
  while (list != nullptr && std::fgets(line.data(), line.size(), list.get()) != nullptr) {
    line[std::strcspn(line.data(), "\n")] = '\0';
    const int module = ::open(line.data(), O_RDONLY | O_CLOEXEC);
    if (module < 0 || ::syscall(SYS_finit_module, module, "", 0) != 0) {
      return failed(line.data());
    }
    (void)::close(module);
  }
  return list != nullptr || failed("read /modules");
}

bool wait_for_disk() {
  constexpr useconds_t pause = 1000;
  struct stat status{};
  for (int tries = 0; tries < 30000; ++tries) {
    if (::stat(disk, &status) == 0) {
      return true;
    }
    (void)::usleep(pause);
  }
  return failed(disk);
}

bool enter_root() {
  if (::mount(disk, root, "ext4", 0, nullptr) != 0 && ::mount(disk, root, "erofs", MS_RDONLY, nullptr) != 0) {
    return failed("mount the root");
  }
  cfs::mark_stage<Stage::attached>();
  for (const char* name : {"/dev", "/proc", "/sys", "/run"}) {
    std::array<char, 32> target;
    (void)std::snprintf(target.data(), target.size(), "%s%s", root, name);
    if (::mount(name, target.data(), nullptr, MS_MOVE, nullptr) != 0) {
      return failed(target.data());
    }
  }
  return (::chdir(root) == 0 && ::mount(".", "/", nullptr, MS_MOVE, nullptr) == 0 && ::chroot(".") == 0 &&
          ::chdir("/") == 0) ||
         failed("enter the root");
}

// What the last word on the kernel command line that begins with `start` goes on with; null if none does.
const char* parameter(const char* start) {
  static std::array<char, 4096> words;
  words = {};
  const int cmdline = ::open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  const ssize_t length = ::read(cmdline, words.data(), words.size() - 1);
  (void)::close(cmdline);
  const char* found = nullptr;
  for (const char* word = length > 0 ? std::strtok(words.data(), " \n") : nullptr; word != nullptr;
       word = std::strtok(nullptr, " \n")) {
    if (std::strncmp(word, start, std::strlen(start)) == 0) {
      found = word + std::strlen(start);
    }
  }
  return found;
}

void say_symbols() {
  const File all(std::fopen("/proc/kallsyms", "re"), std::fclose);
  std::array<char, 512> line;
  while (all != nullptr && std::fgets(line.data(), line.size(), all.get()) != nullptr) {
    for (const char* symbol : symbols) {
      const char* const found = std::strstr(line.data(), symbol);
      if (found != nullptr && found[-1] == ' ' && found[std::strlen(symbol)] == '\n') {
        (void)std::fputs(line.data(), stdout);
      }
    }
  }
  (void)std::puts("bench: end");
}

}  // namespace

int main() {
  if (!mount_file_systems()) {
    return 1;
  }
  if (parameter("bench.symbols") != nullptr) {
    say_symbols();
    return ::reboot(RB_POWER_OFF);
  }
  cfs::mark_stage<Stage::kernel_file_systems>();
  const char* init = parameter("init=");
  if (init == nullptr) {
    init = "/sbin/init";
  }
  if (!load_modules()) {
    return 1;
  }
  cfs::mark_stage<Stage::modules>();
  if (!wait_for_disk()) {
    return 1;
  }
  cfs::mark_stage<Stage::store_device>();
  if (!enter_root()) {
    return 1;
  }
  cfs::mark_stage<Stage::switch_root>();
  (void)::execl(init, init, nullptr);
  (void)failed(init);
  return 1;
}
