// SPDX-License-Identifier: Apache-2.0
// The init of the small root that most VM tests boot: looks at the machine from inside, says what it sees on
// the console, one "guest: " line each, and powers off. What is right or wrong is for the test outside to
// decide.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace {

std::string read_text(const std::string& path) {
  std::string text;
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  for (int c; file != nullptr && (c = std::fgetc(file.get())) != EOF;) {
    text += static_cast<char>(c);
  }
  return text;
}

void say_lines(const char* what, const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    std::printf("guest: %s: %s\n", what, text.substr(begin, end - begin).c_str());
    begin = end + 1;
  }
}

// Reads the whole file: its size and a checksum (the Fletcher sum of its bytes), or the error.
void say_contents(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    std::printf("guest: read %s: %s\n", path.c_str(), ::strerrorname_np(errno));
    return;
  }
  unsigned long size = 0;
  unsigned a = 0;
  unsigned b = 0;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) {
      if (got < 0) {
        std::printf("guest: read %s: %s\n", path.c_str(), ::strerrorname_np(errno));
      } else {
        std::printf("guest: read %s: %lu bytes, sum %u %u\n", path.c_str(), size, a, b);
      }
      break;
    }
    for (ssize_t i = 0; i < got; ++i) {
      a = (a + static_cast<unsigned char>(buffer[i])) % 65521;
      b = (b + a) % 65521;
    }
    size += static_cast<unsigned long>(got);
  }
  ::close(fd);
}

void say_directory(const std::string& path) {
  std::vector<std::string> names;
  if (DIR* directory = ::opendir(path.c_str())) {
    while (const dirent* entry = ::readdir(directory)) {
      if (entry->d_name[0] != '.') {
        names.emplace_back(entry->d_name);
      }
    }
    ::closedir(directory);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    say_contents(path + '/' + name);
  }
}

void try_write(const char* path) {
  const int fd = ::open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  std::printf("guest: write %s: %s\n", path, fd < 0 ? ::strerrorname_np(errno) : "ok");
  if (fd >= 0) {
    ::close(fd);
  }
}

// A number that grows by one with each boot, where the directory persists.
void count_boots(const std::string& directory) {
  const std::string path = directory + "/boots";
  const int boots = std::atoi(read_text(path).c_str()) + 1;
  if (const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "we"), std::fclose); file) {
    std::fprintf(file.get(), "%d", boots);
  }
  std::printf("guest: boots %s: %d\n", directory.c_str(), boots);
}

// What an administrator does to the files of an image: overlayfs keeps each in a way of its own.
void change_etc() {
  std::printf("guest: remove /etc/removed: %s\n",
              ::unlink("/etc/removed") == 0 ? "ok" : ::strerrorname_np(errno));
  say_contents("/etc/large");
  if (::chmod("/etc/large", 0600) != 0) {
    std::printf("guest: chmod /etc/large: %s\n", ::strerrorname_np(errno));
  }
}

// What the links of a directory lead to.
void say_links(const std::string& path) {
  std::error_code ignored;
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    lines.push_back(entry.path().string() + ' ' + std::filesystem::read_symlink(entry, ignored).string());
  }
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) {
    std::printf("guest: link: %s\n", line.c_str());
  }
}

// Whether a user who is root in a user namespace alone can mount a procfs, as rootless containers do.
void mount_procfs_as_user() {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setuid(1000) != 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) != 0) {
      ::_exit(errno);
    }
    const pid_t first = ::fork();  // of the new process ids
    if (first == 0) {
      ::_exit(::mount("proc", "/proc", "proc", 0, nullptr) == 0 ? 0 : errno);
    }
    int status = 0;
    ::waitpid(first, &status, 0);
    ::_exit(WEXITSTATUS(status));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::printf("guest: procfs of a user: %s\n",
              WEXITSTATUS(status) == 0 ? "ok" : ::strerrorname_np(WEXITSTATUS(status)));
}

// The SELinux label; empty if there is none.
void say_label(const char* path) {
  char label[256];
  const ssize_t size = ::lgetxattr(path, "security.selinux", label, sizeof label);
  std::printf("guest: label %s: %.*s\n", path, static_cast<int>(std::max<ssize_t>(size, 0)), label);
}

// The image's own check of itself, if it has one.
void say_check() {
  constexpr auto program = "/usr/lib/composefs-root/composefs-root";
  if (::access(program, X_OK) != 0) {
    return;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl(program, program, "--check-objects", nullptr);
    ::_exit(127);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  std::printf("guest: check-objects: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  say_lines("object-check", read_text("/run/composefs-root/object-check"));
}

// Executes the kernel that lies in the ext4 of the second disk, if there is one, with its initrd and the
// command line that can be seen here, as `kexec --reuse-cmdline` does. Once: what it has executed is removed.
void execute_kernel() {
  if (::mount("/dev/vdb", "/var", "ext4", 0, nullptr) != 0) {
    return;
  }
  const int kernel = ::open("/var/kernel", O_RDONLY | O_CLOEXEC);
  const int initrd = ::open("/var/initrd", O_RDONLY | O_CLOEXEC);
  if (kernel >= 0 && initrd >= 0) {
    std::string cmdline = read_text("/proc/cmdline");
    cmdline.resize(cmdline.find('\n'));
    const long loaded =
        ::syscall(SYS_kexec_file_load, kernel, initrd, cmdline.size() + 1, cmdline.c_str(), 0UL);
    std::printf("guest: kexec: %s\n", loaded == 0 ? "ok" : ::strerrorname_np(errno));
    std::fflush(stdout);
    ::unlink("/var/kernel");
    ::sync();
    if (loaded == 0) {
      ::reboot(RB_KEXEC);
    }
  }
}

}  // namespace

int main(int argc, char** argv, char** environment) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("guest: started\n");
  for (int i = 0; i < argc; ++i) {
    std::printf("guest: argument: %s\n", argv[i]);
  }
  for (; *environment != nullptr; ++environment) {
    std::printf("guest: environment: %s\n", *environment);
  }
  say_lines("report", read_text("/run/composefs-root/boot.json"));
  say_lines("mount", read_text("/proc/self/mountinfo"));
  say_lines("cmdline", read_text("/proc/cmdline"));
  try_write("/proc/cmdline");
  say_links("/run/systemd/system.control");
  say_links("/run/systemd/system-generators");
  mount_procfs_as_user();
  say_lines("machine-id", read_text("/etc/machine-id"));
  say_lines("etc-release", read_text("/etc/release"));
  say_directory("/data");
  try_write("/data/new");
  try_write("/usr/new");
  try_write("/etc/new");
  try_write("/var/new");
  change_etc();
  for (const char* path : {"/etc", "/var", "/var/seed"}) {
    say_label(path);
  }
  say_lines("var-seed", read_text("/var/seed"));
  count_boots("/usr");
  count_boots("/etc");
  count_boots("/var");
  say_check();
  std::printf("guest: done\n");
  std::fflush(stdout);
  ::sync();
  execute_kernel();
  ::reboot(RB_POWER_OFF);
}
