// SPDX-License-Identifier: Apache-2.0
// A hardware watchdog that only user space keeps quiet.
#pragma once

#include "cfs/base/fd.hpp"

namespace cfs {

// The kernel itself feeds a watchdog that firmware started, until user space opens it or
// watchdog.open_timeout= runs out (Documentation/watchdog/watchdog-parameters.rst). With such a timeout
// waiting for a device could outlast it, so the watchdog is opened and fed here, and left running for the
// init that comes next. Without one, opening it would start a countdown that nobody asked for.
class Watchdog {
 public:
  // Opens the first watchdog where there is one with an open timeout; else does nothing, now and later.
  [[nodiscard]] static Watchdog take_over();

  void keep_alive();

 private:
  explicit Watchdog(Fd device) : device_(static_cast<Fd&&>(device)) {}
  Fd device_;  // closed without the magic character: it goes on counting
};

}  // namespace cfs
