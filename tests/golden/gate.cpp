// SPDX-License-Identifier: Apache-2.0
#include "gate.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace cfs::test {

Gate::Gate(const std::filesystem::path& path, std::function<void(int)> act)
    : act_(std::move(act)), events_(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC)) {
  if (!events_ || ::fanotify_mark(events_.get(), FAN_MARK_ADD, FAN_ACCESS_PERM | FAN_ONDIR, AT_FDCWD,
                                  path.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), "watch " + path.string());
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

void Gate::serve(const std::stop_token& stop) const {
  int count = 0;
  while (!stop.stop_requested()) {
    pollfd ready{.fd = events_.get(), .events = POLLIN, .revents = 0};
    fanotify_event_metadata event{};
    if (::poll(&ready, 1, 10) != 1 || ::read(events_.get(), &event, sizeof event) != sizeof event) {
      continue;  // nothing yet, or more than fits: the kernel keeps it
    }
    const Fd opened(event.fd);
    act_(++count);
    const fanotify_response allow{.fd = event.fd, .response = FAN_ALLOW};
    (void)!::write(events_.get(), &allow, sizeof allow);
  }
}

}  // namespace cfs::test
