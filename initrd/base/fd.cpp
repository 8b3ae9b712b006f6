// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/fd.hpp"

#include <unistd.h>

namespace cfs {

void Fd::reset() noexcept {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

}  // namespace cfs
