// SPDX-License-Identifier: Apache-2.0
// A disk that holds what a fuzzer made.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "cfs/base/fd.hpp"

// One of 128 KiB, or what the bytes at `offset` need, and otherwise zeros.
inline cfs::Fd disk_in_memory(const std::uint8_t* data, std::size_t size, std::int64_t offset) {
  constexpr std::int64_t smallest = 128L * 1024;
  cfs::Fd disk(::memfd_create("disk", MFD_CLOEXEC));
  if (::ftruncate(disk.get(), smallest) != 0 ||
      ::pwrite(disk.get(), data, size, offset) != static_cast<ssize_t>(size)) {
    std::abort();
  }
  return disk;
}
