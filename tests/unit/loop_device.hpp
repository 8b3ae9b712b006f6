// SPDX-License-Identifier: Apache-2.0
// A file as a block device, for tests that root runs; gone with the last who has it open.
#pragma once

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <string>

#include "cfs/base/fd.hpp"

namespace cfs {

class LoopDevice {
 public:
  explicit LoopDevice(const std::string& file) {
    const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    const Fd backing(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    for (int attempt = 0; control && backing && attempt < 64; ++attempt) {
      const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
      path_ = "/dev/loop" + std::to_string(number);
      Fd device(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
      loop_config config{};
      config.fd = static_cast<unsigned>(backing.get());
      config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
      if (device && ::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
        device_ = std::move(device);
        return;
      }
      if (errno != EBUSY) {  // taken by someone else: the next one
        return;
      }
    }
  }

  // False where the kernel, or who runs the test, has none.
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(device_); }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Takes on the present size of the file.
  [[nodiscard]] bool resize() const { return ::ioctl(device_.get(), LOOP_SET_CAPACITY, 0) == 0; }

 private:
  std::string path_;
  Fd device_;
};

}  // namespace cfs
