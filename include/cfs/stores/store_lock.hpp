// SPDX-License-Identifier: Apache-2.0
// Who may work on a store at the same time: writers beside each other, but nobody beside one who removes.
#pragma once

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

class StoreLock {
 public:
  enum class Kind {
    shared,     // for those who add to the store, or rely on what is there
    exclusive,  // for those who remove
  };

  // Waits until the lock of the store `directory` (the one that holds objects/) is free. It is a flock(2) on
  // objects/: it ends with this object, or with the process whatever ends it. Code::store_malformed without
  // objects/, Code::io_error where the file system has no locks.
  [[nodiscard]] static Result<StoreLock> wait(const Fd& directory, Kind kind);

 private:
  explicit StoreLock(Fd objects) : objects_(std::move(objects)) {}
  Fd objects_;
};

}  // namespace cfs
