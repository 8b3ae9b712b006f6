// SPDX-License-Identifier: Apache-2.0
// Lets a test act exactly when another process reads a file or a directory, however fast either is.
#pragma once

#include <filesystem>
#include <functional>
#include <thread>

#include "cfs/base/fd.hpp"

namespace cfs::test {

// While this lives, each read(2), or getdents(2), of `path` waits for act(n) to return, n counting from 1.
// act() runs in a thread of its own and must not read `path`. Needs root; uses fanotify(7).
class Gate {
 public:
  // Throws std::system_error.
  Gate(const std::filesystem::path& path, std::function<void(int n)> act);

 private:
  void serve(const std::stop_token& stop) const;

  std::function<void(int)> act_;
  Fd events_;
  std::jthread thread_;  // the last: it ends first
};

}  // namespace cfs::test
