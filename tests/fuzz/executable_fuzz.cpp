// SPDX-License-Identifier: Apache-2.0
// Any bytes: check_static_executable() refuses them, or they are what the kernel takes for an executable that
// names no interpreter. The second reading is by the structures of elf.h, for the class and byte order of
// this machine.
#include <elf.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "cfs/initramfs/executable.hpp"

namespace {

template <class Header, class Segment>
bool has_no_interpreter(const std::uint8_t* data, std::size_t size) {
  Header header;
  if (size < sizeof header) {
    return false;
  }
  std::memcpy(&header, data, sizeof header);
  if (header.e_phnum == 0 || header.e_phentsize != sizeof(Segment)) {
    return false;
  }
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    const std::size_t start = header.e_phoff + i * sizeof(Segment);
    Segment segment;
    if (header.e_phoff > size || start + sizeof segment > size) {
      return false;
    }
    std::memcpy(&segment, data + start, sizeof segment);
    if (segment.p_type == PT_INTERP) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr auto native = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (!cfs::check_static_executable({reinterpret_cast<const char*>(data), size})) {
    return 0;
  }
  if (size <= EI_DATA ||
      (data[EI_DATA] == native &&
       !(data[EI_CLASS] == ELFCLASS64 ? has_no_interpreter<Elf64_Ehdr, Elf64_Phdr>(data, size)
                                      : has_no_interpreter<Elf32_Ehdr, Elf32_Phdr>(data, size)))) {
    std::abort();
  }
  return 0;
}
