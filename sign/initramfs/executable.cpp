// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/executable.hpp"

#include <elf.h>

#include <cstddef>
#include <cstdint>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// Fields of an ELF file of either byte order; what lies past the end reads as zero.
class ElfReader {
 public:
  explicit ElfReader(std::string_view bytes) : bytes_(bytes), big_endian_(at(EI_DATA) == ELFDATA2MSB) {}

  [[nodiscard]] std::uint64_t number(std::uint64_t offset, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | at(offset + (big_endian_ ? i : size - 1 - i));
    }
    return value;
  }

 private:
  [[nodiscard]] unsigned char at(std::uint64_t offset) const {
    return offset < bytes_.size() ? static_cast<unsigned char>(bytes_[offset]) : 0;
  }

  std::string_view bytes_;
  bool big_endian_;
};

#define CFS_FIELD(type, member) offsetof(type, member), sizeof(type::member)

template <class Header, class Segment>
Result<> check(std::string_view bytes) {
  if (bytes.size() < sizeof(Header)) {
    return fail(Code::unsupported_input, "an ELF file that is cut short");
  }
  const ElfReader elf(bytes);
  const auto type = elf.number(CFS_FIELD(Header, e_type));
  const auto count = elf.number(CFS_FIELD(Header, e_phnum));
  if ((type != ET_EXEC && type != ET_DYN) || count == 0) {
    return fail(Code::unsupported_input, "an ELF file, but not an executable");
  }
  // The kernel takes no other size: at another distance from each other the headers would hide an
  // interpreter.
  if (elf.number(CFS_FIELD(Header, e_phentsize)) != sizeof(Segment)) {
    return fail(Code::unsupported_input, "an ELF file whose program headers have a size of their own");
  }
  const auto offset = elf.number(CFS_FIELD(Header, e_phoff));
  if (offset > bytes.size() || count * sizeof(Segment) > bytes.size() - offset) {
    return fail(Code::unsupported_input, "an ELF file that is cut short");
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    if (elf.number(offset + i * sizeof(Segment) + CFS_FIELD(Segment, p_type)) == PT_INTERP) {
      return fail(Code::unsupported_input,
                  "a dynamically linked program, which cannot start in an initramfs: link it statically");
    }
  }
  return {};
}

}  // namespace

Result<> check_static_executable(std::string_view bytes) {
  const auto elf_class = bytes.size() > EI_CLASS ? bytes[EI_CLASS] : char{ELFCLASSNONE};
  if (!bytes.starts_with(ELFMAG) || (elf_class != ELFCLASS32 && elf_class != ELFCLASS64)) {
    return fail(Code::unsupported_input, "not an ELF executable");
  }
  return elf_class == ELFCLASS64 ? check<Elf64_Ehdr, Elf64_Phdr>(bytes)
                                 : check<Elf32_Ehdr, Elf32_Phdr>(bytes);
}

}  // namespace cfs
