// SPDX-License-Identifier: Apache-2.0
#include "qemu/machine.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t lines_shown = 30;
constexpr std::size_t errors_max_bytes = 64UL * 1024;

// The exit status of a child that could not execute its program, as shells have it.
constexpr int not_executed = 127;

std::chrono::seconds whole_seconds(Machine::Timeout timeout) {
  return std::chrono::duration_cast<std::chrono::seconds>(timeout);
}

Result<> check_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return fail(Code::not_found, cat("there is no file ", printable(path)));
  }
  return {};
}

// Where QEMU finds the socket of its monitor.
constexpr int monitor_descriptor = 3;

// Two connected sockets.
Result<std::pair<Fd, Fd>> make_line(const char* what) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno(Code::io_error, what);
  }
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

// In the child: only calls that are safe after fork(2).
[[noreturn]] void execute(char* const* arguments, int serial, int monitor, int errors, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Copies above the four, so that none is overwritten before it is put in its place.
  const int serial_copy = ::fcntl(serial, F_DUPFD_CLOEXEC, monitor_descriptor + 1);
  const int monitor_copy = ::fcntl(monitor, F_DUPFD_CLOEXEC, monitor_descriptor + 1);
  const int errors_copy = ::fcntl(errors, F_DUPFD_CLOEXEC, monitor_descriptor + 1);
  if (::getppid() == parent && ::dup2(serial_copy, STDIN_FILENO) >= 0 &&
      ::dup2(serial_copy, STDOUT_FILENO) >= 0 && ::dup2(errors_copy, STDERR_FILENO) >= 0 &&
      ::dup2(monitor_copy, monitor_descriptor) >= 0) {
    ::execvp(arguments[0], arguments);
  }
  ::_exit(not_executed);
}

// What comes next on a line: empty at its end. Code::io_error, also after the deadline.
Result<std::string> receive(const Fd& line, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<Machine::Timeout>(deadline - std::chrono::steady_clock::now());
    pollfd polled{.fd = line.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(std::max(left, Machine::Timeout(0)).count()));
    if (ready == 0) {
      return fail(Code::io_error, "the time is over");
    }
    std::array<char, 4096> bytes;
    const auto got = ready < 0 ? -1 : ::read(line.get(), bytes.data(), bytes.size());
    if (got > 0) {
      return std::string(bytes.data(), static_cast<std::size_t>(got));
    }
    if (got == 0 || errno == ECONNRESET) {  // reset: it ended with input that it had not read
      return std::string();
    }
    if (errno != EINTR) {
      return fail_errno(Code::io_error, "read");
    }
  }
}

Result<> put(const Fd& line, std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(line.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno(Code::io_error, "write");
    }
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace

Machine::Machine(pid_t process, Fd serial, Fd monitor, Fd errors)
    : process_(process),
      serial_(std::move(serial)),
      monitor_(std::move(monitor)),
      errors_(std::move(errors)) {}

Machine::Machine(Machine&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      serial_(std::move(other.serial_)),
      monitor_(std::move(other.monitor_)),
      errors_(std::move(other.errors_)),
      monitor_ready_(other.monitor_ready_),
      console_(other.console_),
      log_(std::move(other.log_)),
      seen_(other.seen_) {}

Machine::~Machine() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

Result<Machine> Machine::start(const MachineOptions& options) {
  CFS_TRY(check_file(options.kernel));
  if (!options.initrd.empty()) {
    CFS_TRY(check_file(options.initrd));
  }
  for (const MachineDisk& disk : options.disks) {
    CFS_TRY(check_file(disk.file));
  }
  std::vector<std::string> command = qemu_command(options, SerialLine::standard_streams);
  command.insert(command.end(), {"-chardev", cat("socket,id=monitor,fd=", monitor_descriptor), "-mon",
                                 "chardev=monitor,mode=control"});
  return start_command(command);
}

Result<Machine> Machine::start_command(const std::vector<std::string>& command) {
  auto [serial, serial_of_child] = CFS_TRY(make_line("make a serial line"));
  auto [monitor, monitor_of_child] = CFS_TRY(make_line("make a line to its monitor"));
  Fd errors(::memfd_create("qemu-errors", MFD_CLOEXEC));
  if (!errors) {
    return fail_errno(Code::io_error, "make a file in memory");
  }
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t process = ::fork();
  if (process < 0) {
    return fail_errno(Code::io_error, cat("start ", command.front()));
  }
  if (process == 0) {
    execute(arguments.data(), serial_of_child.get(), monitor_of_child.get(), errors.get(), parent);
  }
  return Machine(process, std::move(serial), std::move(monitor), std::move(errors));
}

tl::unexpected<Error> Machine::failure(const std::string& what) const {
  const auto errors = read_all(errors_, errors_max_bytes);
  return fail(Code::io_error, cat(what, "; its console ends with\n", last_lines(log_, lines_shown), '\n',
                                  errors ? *errors : errors.error().what()));
}

Result<bool> Machine::read_more(Deadline deadline) {
  const std::string bytes = CFS_TRY_IN(receive(serial_, deadline), "read the console");
  log_ += console_.add(bytes);
  return !bytes.empty();
}

Result<std::string> Machine::ask(std::string_view command, Deadline deadline) {
  CFS_TRY(put(monitor_, cat("{\"execute\": \"", command, "\"}\n")));
  std::string text;
  for (;;) {
    const std::string more = CFS_TRY(receive(monitor_, deadline));
    if (more.empty()) {
      return fail(Code::io_error, "the machine ended");
    }
    text += more;
    // The greeting, and events, are lines of their own.
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      std::string line = text.substr(0, end);
      text.erase(0, end + 1);
      if (line.starts_with("{\"return\":")) {
        return line;
      }
      if (line.starts_with("{\"error\":")) {
        return fail(Code::io_error, printable(line));
      }
    }
  }
}

Result<std::vector<BlockStatistics>> Machine::block_statistics(Timeout timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  if (!monitor_ready_) {
    CFS_TRY_IN(ask("qmp_capabilities", deadline), "talk to the monitor");
    monitor_ready_ = true;
  }
  const std::string answer = CFS_TRY_IN(ask("query-blockstats", deadline), "ask for block statistics");
  return parse_block_statistics(answer);
}

Result<std::string> Machine::wait_for(std::string_view marker, Timeout timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::size_t searched = seen_;
  for (;;) {
    if (const auto found = log_.find(marker, searched); found != std::string::npos) {
      const std::size_t start = std::exchange(seen_, found + marker.size());
      return log_.substr(start, seen_ - start);
    }
    // The marker may have begun already.
    searched = std::max(seen_, log_.size() - std::min(log_.size(), marker.size()));
    const auto more = read_more(deadline);
    if (!more) {
      return failure(cat("the machine did not print \"", printable(marker), "\" within ",
                         whole_seconds(timeout).count(), " s"));
    }
    if (!*more) {
      return failure(cat("the machine ended before it printed \"", printable(marker), '"'));
    }
  }
}

Result<> Machine::wait_exit(Timeout timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (bool open = true; open;) {
    const auto more = read_more(deadline);
    if (!more) {
      return failure(cat("the machine still runs after ", whole_seconds(timeout).count(), " s"));
    }
    open = *more;
  }
  // Its end of the serial line is closed: it is ending, if it has not yet.
  int status = 0;
  while (process_ > 0 && ::waitpid(process_, &status, 0) < 0) {
    if (errno != EINTR) {
      return fail_errno(Code::io_error, "wait for the machine");
    }
  }
  process_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_executed) {
    return fail(Code::not_found, "QEMU is not installed");
  }
  if (status != 0) {
    return failure(cat("QEMU ended with status ", status));
  }
  return {};
}

Result<> Machine::send(std::string_view text) {
  CFS_TRY_IN(put(serial_, text), "type on the console");
  return {};
}

Acceleration best_acceleration(const std::string& kernel) {
  constexpr Machine::Timeout timeout = std::chrono::seconds(20);
  if (::access("/dev/kvm", R_OK | W_OK) == 0) {
    auto trial = Machine::start({.kernel = kernel,
                                 .cmdline = cat("console=", serial_console(), " panic=-1"),
                                 .acceleration = Acceleration::kvm});
    if (trial && trial->wait_exit(timeout) && trial->log().find("Kernel panic") != std::string::npos) {
      return Acceleration::kvm;
    }
  }
  return Acceleration::emulation;
}

}  // namespace cfs
