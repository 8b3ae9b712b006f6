// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/watchdog.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

Watchdog Watchdog::take_over() {
  const auto timeout = read_file("/sys/module/watchdog/parameters/open_timeout", 64);
  const bool limited = timeout && parse_decimal<unsigned>(split(*timeout, '\n').front()).value_or(0) > 0;
  return Watchdog(limited ? Fd(::open("/dev/watchdog0", O_WRONLY | O_CLOEXEC)) : Fd());
}

void Watchdog::keep_alive() {
  if (device_) {
    (void)::ioctl(device_.get(), WDIOC_KEEPALIVE, 0);  // a device that cannot be fed ends in its own reset
  }
}

}  // namespace cfs
