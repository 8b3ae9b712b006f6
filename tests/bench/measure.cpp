// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t output_max = 1UL << 20;
constexpr int exit_not_started = 127;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void become(const std::vector<char*>& words, const Fd& output, const Fd& errors) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // an interrupted benchmark leaves nothing running
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(nothing.get(), STDIN_FILENO);
  ::dup2(output.get(), STDOUT_FILENO);
  ::dup2(errors.get(), STDERR_FILENO);
  ::execvp(words[0], words.data());
  ::_exit(exit_not_started);
}

// Adds the cost of the command to `cost`, and returns its output.
Result<std::string> run_measured(const Command& command, Cost& cost) {
  // Files in memory rather than pipes: however much the program says, it never waits for us.
  const Fd output(::memfd_create("output", MFD_CLOEXEC));
  const Fd errors(::memfd_create("errors", MFD_CLOEXEC));
  std::vector<char*> words;
  for (const std::string& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);

  const auto start = Clock::now();
  const pid_t child = ::fork();
  if (child == 0) {
    become(words, output, errors);
  }
  int status = 0;
  rusage usage{};
  if (child < 0 || ::wait4(child, &status, 0, &usage) != child) {
    return fail_errno(Code::io_error, cat("run ", command.front()));
  }
  cost.wall += seconds_since(start);
  cost.user += seconds(usage.ru_utime);
  cost.system += seconds(usage.ru_stime);
  cost.peak = std::max(cost.peak, static_cast<double>(usage.ru_maxrss) / 1024);
  if (status != 0) {
    std::string words_of_it;
    for (const std::string& word : command) {
      words_of_it += word + ' ';
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == exit_not_started) {
      return fail(Code::not_found, cat(words_of_it, "could not be started"));
    }
    return fail(Code::io_error, cat(words_of_it, "failed: ", CFS_TRY(read_all(errors, output_max))));
  }
  return read_all(output, output_max);
}

// Gives what the last command printed.
Result<std::string> run_once(const Contender& contender, const Workspace& workspace, Cost& cost) {
  const FreshFileSystem file_system = CFS_TRY(workspace.make_file_system(run_file_system));
  for (const Command& command : contender.prepare) {
    CFS_TRY(run(command));
  }
  CFS_TRY(file_system.flush());
  std::string printed;
  for (const Command& command : contender.commands) {
    printed = CFS_TRY(run_measured(command, cost));
  }
  const auto start = Clock::now();
  CFS_TRY(file_system.flush());
  cost.flush = seconds_since(start);
  constexpr std::string_view prefix = "sha256:";
  return printed.starts_with(prefix) ? printed.substr(prefix.size()) : printed;
}

}  // namespace

Range range(const Measured& measured, const std::function<double(const Cost&)>& figure) {
  std::vector<double> values;
  values.reserve(measured.runs.size());
  for (const Cost& cost : measured.runs) {
    values.push_back(figure(cost));
  }
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {.minimum = values.front(), .median = median, .maximum = values.back()};
}

double processor_time(const Cost& cost) {
  return cost.user + cost.system;
}

Result<> use_processors(unsigned count) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return fail_errno(Code::io_error, "ask for the processors");
  }
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE && static_cast<unsigned>(CPU_COUNT(&chosen)) < count; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) {
      CPU_SET(cpu, &chosen);
    }
  }
  return ::sched_setaffinity(0, sizeof chosen, &chosen) == 0
             ? Result<>()
             : fail_errno(Code::io_error, "choose the processors");
}

Result<std::vector<Measured>> compare(const std::vector<Contender>& contenders, unsigned runs,
                                      const Workspace& workspace) {
  std::vector<Measured> measured;
  measured.reserve(contenders.size());
  for (const Contender& contender : contenders) {
    measured.push_back({.name = contender.name, .runs = {}});
  }
  std::string expected;
  for (unsigned run = 0; run < runs; ++run) {
    for (std::size_t turn = 0; turn < contenders.size(); ++turn) {
      const std::size_t index = run % 2 == 0 ? turn : contenders.size() - 1 - turn;
      Cost cost;
      const std::string printed =
          CFS_TRY_IN(run_once(contenders[index], workspace, cost), contenders[index].name);
      if (run == 0 && turn == 0) {
        expected = printed;
      } else if (printed != expected) {
        return fail(Code::digest_mismatch, cat(contenders[index].name, " printed ", printed, "where ",
                                               contenders.front().name, " printed ", expected));
      }
      measured[index].runs.push_back(cost);
    }
  }
  return measured;
}

Result<std::string> run(const Command& command) {
  Cost cost;
  return run_measured(command, cost);
}

}  // namespace cfs::bench
