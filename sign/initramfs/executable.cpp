#include "cfs/executable.hpp"

#include <elf.h>

#include <cstddef>
#include <cstdint>

#include "cfs/text.hpp"

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

struct ProgramHeaders {
  std::uint64_t type;  // of the file: ET_EXEC, ET_DYN, …
  std::uint64_t offset;
  std::uint64_t entry_size;
  std::uint64_t count;
};

template <class Header>
ProgramHeaders program_headers(const ElfReader& elf) {
  return {.type = elf.number(CFS_FIELD(Header, e_type)),
          .offset = elf.number(CFS_FIELD(Header, e_phoff)),
          .entry_size = elf.number(CFS_FIELD(Header, e_phentsize)),
          .count = elf.number(CFS_FIELD(Header, e_phnum))};
}

}  // namespace

Result<> check_static_executable(std::string_view bytes) {
  const auto elf_class = bytes.size() > EI_CLASS ? bytes[EI_CLASS] : char{ELFCLASSNONE};
  if (!bytes.starts_with(ELFMAG) || (elf_class != ELFCLASS32 && elf_class != ELFCLASS64)) {
    return fail(Code::unsupported_input, "not an ELF executable");
  }
  const ElfReader elf(bytes);
  const auto headers =
      elf_class == ELFCLASS64 ? program_headers<Elf64_Ehdr>(elf) : program_headers<Elf32_Ehdr>(elf);
  if ((headers.type != ET_EXEC && headers.type != ET_DYN) || headers.count == 0) {
    return fail(Code::unsupported_input, "an ELF file, but not an executable");
  }
  if (headers.offset > bytes.size() || headers.count * headers.entry_size > bytes.size() - headers.offset) {
    return fail(Code::unsupported_input, "an ELF file that is cut short");
  }
  for (std::uint64_t i = 0; i < headers.count; ++i) {
    // p_type is the first field of both classes' program header.
    const auto type = elf.number(headers.offset + i * headers.entry_size, sizeof(Elf64_Phdr::p_type));
    if (type == PT_INTERP) {
      return fail(Code::unsupported_input,
                  "a dynamically linked program, which cannot start in an initramfs: link it statically");
    }
  }
  return {};
}

}  // namespace cfs
