// SPDX-License-Identifier: Apache-2.0
// An owned file descriptor: moved, never copied, closed once. Functions borrow it as `const Fd&`.
#pragma once

#include <utility>

namespace cfs {

class Fd {
 public:
  Fd() noexcept = default;
  // Takes ownership of `fd`; a negative number means none.
  explicit Fd(int fd) noexcept : fd_(fd < 0 ? -1 : fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  // The number, for a system call. -1 when there is none.
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

  // Gives up ownership.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // Closes it now. Errors of close(2) are not reported: what must be durable is fsync'ed before.
  void reset() noexcept;

 private:
  int fd_ = -1;
};

}  // namespace cfs
