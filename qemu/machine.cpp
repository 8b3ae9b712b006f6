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

#include "cfs/file.hpp"
#include "cfs/text.hpp"

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

// In the child: only calls that are safe after fork(2).
[[noreturn]] void execute(char* const* arguments, int serial, int errors, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == parent && ::dup2(serial, STDIN_FILENO) >= 0 && ::dup2(serial, STDOUT_FILENO) >= 0 &&
      ::dup2(errors, STDERR_FILENO) >= 0) {
    ::execvp(arguments[0], arguments);
  }
  ::_exit(not_executed);
}

}  // namespace

Machine::Machine(pid_t process, Fd serial, Fd errors)
    : process_(process), serial_(std::move(serial)), errors_(std::move(errors)) {}

Machine::Machine(Machine&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      serial_(std::move(other.serial_)),
      errors_(std::move(other.errors_)),
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
  return start_command(qemu_command(options, SerialLine::standard_streams));
}

Result<Machine> Machine::start_command(const std::vector<std::string>& command) {
  std::array<int, 2> ends{-1, -1};
  const bool connected = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0;
  Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  if (!connected || !theirs) {
    return fail_errno(Code::io_error, "make a serial line");
  }
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
    execute(arguments.data(), theirs.get(), errors.get(), parent);
  }
  return Machine(process, std::move(ours), std::move(errors));
}

tl::unexpected<Error> Machine::failure(const std::string& what) const {
  const auto errors = read_all(errors_, errors_max_bytes);
  return fail(Code::io_error, cat(what, "; its console ends with\n", last_lines(log_, lines_shown), '\n',
                                  errors ? *errors : errors.error().what()));
}

Result<bool> Machine::read_more(Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<Timeout>(deadline - std::chrono::steady_clock::now());
    pollfd serial{.fd = serial_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&serial, 1, static_cast<int>(std::max(left, Timeout(0)).count()));
    if (ready == 0) {
      return fail(Code::io_error, "the time is over");
    }
    std::array<char, 4096> bytes;
    const auto got = ready < 0 ? -1 : ::read(serial_.get(), bytes.data(), bytes.size());
    if (got > 0) {
      log_ += console_.add({bytes.data(), static_cast<std::size_t>(got)});
      return true;
    }
    if (got == 0 || errno == ECONNRESET) {  // reset: it ended with input that it had not read
      return false;
    }
    if (errno != EINTR) {
      return fail_errno(Code::io_error, "read the console");
    }
  }
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
  while (!text.empty()) {
    const auto sent = ::send(serial_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno(Code::io_error, "type on the console");
    }
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Acceleration best_acceleration() {
  static const Acceleration best = [] {
    constexpr Machine::Timeout timeout = std::chrono::seconds(10);
    if (::access("/dev/kvm", R_OK | W_OK) == 0) {
      auto trial = Machine::start_command(qemu_trial_command(Acceleration::kvm));
      if (trial && trial->send("quit\n") && trial->wait_exit(timeout)) {
        return Acceleration::kvm;
      }
    }
    return Acceleration::emulation;
  }();
  return best;
}

}  // namespace cfs
