// SPDX-License-Identifier: Apache-2.0
#include "observer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs::instructions {

namespace {

constexpr int look_again_ms = 100;
constexpr std::chrono::seconds monitor_timeout(60);

Result<Fd> make_pipe(const std::string& path, int mode) {
  (void)::unlink(path.c_str());
  Fd pipe;
  if (::mkfifo(path.c_str(), 0600) == 0) {
    pipe = Fd(::open(path.c_str(), mode | O_NONBLOCK | O_CLOEXEC));
  }
  if (!pipe) {
    return fail_errno(Code::io_error, cat("make ", printable(path)));
  }
  return pipe;
}

}  // namespace

Result<Observer> Observer::make(const std::string& work) {
  const std::string stages = work + "/stages";
  const std::string go = work + "/go";
  Observer observer;
  observer.stages_ = CFS_TRY(make_pipe(stages, O_RDONLY));
  observer.go_ = CFS_TRY(make_pipe(go, O_RDWR));  // a reader, so that QEMU need not be there yet
  observer.plugin_options_ = cat(",stages=", stages, ",go=", go);
  return observer;
}

Result<std::string> Observer::observe(const std::stop_token& stop, Machine& machine) const {
  std::string all;
  while (!stop.stop_requested()) {
    pollfd polled{.fd = stages_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&polled, 1, look_again_ms) <= 0 || (polled.revents & POLLIN) == 0) {
      continue;
    }
    // The plugin writes a line at once, and no other before it may go on.
    std::array<char, 256> line;
    const std::size_t length = CFS_TRY_IN(read_some(stages_, line), "hear of a stage");
    const auto disks = CFS_TRY(machine.block_statistics(monitor_timeout));
    const BlockStatistics disk = disks.empty() ? BlockStatistics() : disks[0];
    all.append(line.data(), length - 1);  // without its line feed
    all += cat(' ', disk.read_requests, ' ', disk.read_bytes, '\n');
    CFS_TRY(write_all(go_, "."));
  }
  return all;
}

}  // namespace cfs::instructions
