// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/modules.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <span>
#include <string_view>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t list_max_bytes = 64UL * 1024;

Result<> load(Kernel& kernel, std::string_view module) {
  const std::string path(module);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return fail_errno(Code::module_failed, cat("open ", path));
  }
  CFS_TRY_IN(kernel.load_module(file), cat("load ", path));
  return {};
}

bool has_several_processors() {
  cpu_set_t processors;
  return ::sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) > 1;
}

// A process that loads a module, and ends with success when it is loaded.
pid_t start_loading(Kernel& kernel, std::string_view module) {
  const pid_t process = ::fork();
  if (process == 0) {
    ::_exit(load(kernel, module) ? 0 : 1);
  }
  return process;
}

bool has_loaded(pid_t process) {
  int status = -1;
  while (process > 0 && ::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return process > 0 && status == 0;
}

// The first is for this process. What another could not load is tried again here, to know what is wrong.
Result<> load_group(Kernel& kernel, std::span<const std::string_view> modules) {
  if (modules.empty()) {
    return {};
  }
  const auto others = modules.subspan(1);
  std::vector<pid_t> processes(others.size(), -1);
  if (has_several_processors()) {
    for (std::size_t i = 0; i < others.size(); ++i) {
      processes[i] = start_loading(kernel, others[i]);
    }
  }
  Result<> loaded = load(kernel, modules.front());
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (!has_loaded(processes[i]) && loaded) {
      loaded = load(kernel, others[i]);
    }
  }
  return loaded;
}

}  // namespace

Result<> load_modules(Kernel& kernel, const std::string& list) {
  const auto text = read_file(list, list_max_bytes);
  if (!text && text.error().code() == Code::not_found) {
    return {};
  }
  if (!text) {
    return tl::unexpected(text.error());
  }
  std::vector<std::string_view> group;
  for (const std::string_view line : split(*text, '\n')) {
    if (!line.empty()) {
      group.push_back(line);
      continue;
    }
    CFS_TRY(load_group(kernel, group));
    group.clear();
  }
  return load_group(kernel, group);
}

}  // namespace cfs
