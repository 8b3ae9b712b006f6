// SPDX-License-Identifier: Apache-2.0
// Hears from the counting plugin when a stage of a boot ends, while the machine stands still.
#pragma once

#include <stop_token>
#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "qemu/machine.hpp"

namespace cfs::instructions {

class Observer {
 public:
  // Makes what the two talk through in the directory `work`. Code::io_error.
  [[nodiscard]] static Result<Observer> make(const std::string& work);

  // For the plugin of the machine to observe.
  [[nodiscard]] const std::string& plugin_options() const noexcept { return plugin_options_; }

  // Until it is told to stop: adds to each line of the plugin what the first disk has read by then, and lets
  // the machine go on. Returns all lines, as Counts::parse() wants them. Code::io_error.
  [[nodiscard]] Result<std::string> observe(const std::stop_token& stop, Machine& machine) const;

 private:
  Fd stages_;
  Fd go_;
  std::string plugin_options_;
};

}  // namespace cfs::instructions
