// SPDX-License-Identifier: Apache-2.0
#include "mutation/box.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fstream>

namespace cfs {

namespace {

bool make_read_only(const char* path) {
  mount_attr change{};
  change.attr_set = MOUNT_ATTR_RDONLY;
  return ::mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &change, sizeof change) == 0;
}

void limit(int resource, rlim_t most) {
  const rlimit value{most, most};
  (void)::setrlimit(static_cast<__rlimit_resource>(resource), &value);
}

struct Program {
  const char* path;
  const char* place;  // of its TMPDIR
  char* const* environment;
  time_t seconds;
};

[[noreturn]] void become(const Program& program) {
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int stream : {0, 1, 2}) {
    (void)::dup2(nothing, stream);
  }
  (void)::close_range(3, ~0U, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_AS, 4UL << 30);
  limit(RLIMIT_FSIZE, 256UL << 20);
  char* const words[] = {const_cast<char*>(program.path), nullptr};
  ::execve(program.path, words, program.environment);
  ::_exit(127);
}

// The first process of its PID namespace, which takes all others with it when it ends.
[[noreturn]] void be_first(const Program& program) {
  sigset_t ended;
  ::sigemptyset(&ended);
  ::sigaddset(&ended, SIGCHLD);
  (void)::sigprocmask(SIG_BLOCK, &ended, nullptr);
  const int place = ::open_tree(AT_FDCWD, program.place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (::mount("proc", "/proc", "proc", 0, nullptr) != 0 || place < 0 || !make_read_only("/") ||
      ::move_mount(place, "", AT_FDCWD, program.place, MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    ::_exit(125);
  }
  const pid_t process = ::fork();
  if (process == 0) {
    (void)::sigprocmask(SIG_UNBLOCK, &ended, nullptr);
    become(program);
  }
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  const time_t deadline = now.tv_sec + program.seconds;
  for (int status = 0; now.tv_sec < deadline; (void)::clock_gettime(CLOCK_MONOTONIC, &now)) {
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    (void)::sigtimedwait(&ended, nullptr, &second);
    for (pid_t reaped = 0; (reaped = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (reaped == process) {
        ::_exit(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1);
      }
    }
  }
  ::_exit(124);
}

}  // namespace

bool enter_box(const std::vector<std::string>& writable) {
  const auto user = ::geteuid();
  const auto group = ::getegid();
  if (::unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0) {
    return false;
  }
  if (user != 0) {  // the same user, for the tests are to see no root
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user << ' ' << user << " 1";
    std::ofstream("/proc/self/gid_map") << group << ' ' << group << " 1";
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return false;
  }
  std::vector<int> kept;
  for (const std::string& path : writable) {
    kept.push_back(::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  }
  bool made = make_read_only("/");
  for (std::size_t i = 0; i < writable.size(); ++i) {
    made = made && ::move_mount(kept[i], "", AT_FDCWD, writable[i].c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0;
  }
  return made;
}

bool run_in_box(const std::string& program, const std::string& libraries, const std::string& place,
                std::chrono::seconds limit) {
  // All memory is had before the fork: another thread may hold the lock of the heap.
  std::string library_path = "LD_LIBRARY_PATH=" + libraries;
  std::string programs = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string temporary = "TMPDIR=" + place;
  char* const environment[] = {library_path.data(), programs.data(), temporary.data(), nullptr};
  const Program what{
      .path = program.c_str(), .place = place.c_str(), .environment = environment, .seconds = limit.count()};
  const pid_t outer = ::fork();
  if (outer == 0) {
    if (::unshare(CLONE_NEWNS | CLONE_NEWPID) != 0) {
      ::_exit(125);
    }
    const pid_t first = ::fork();
    if (first == 0) {
      be_first(what);
    }
    int status = -1;
    while (::waitpid(first, &status, 0) < 0 && errno == EINTR) {
    }
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  int status = -1;
  while (::waitpid(outer, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace cfs
