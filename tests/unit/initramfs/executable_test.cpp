// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/executable.hpp"

#include <elf.h>
#include <gmock/gmock.h>

#include <cstring>
#include <vector>

#include "unit/temp_directory.hpp"

namespace cfs {
namespace {

using testing::HasSubstr;

// Numbers in the byte order of `data`, whatever this machine's is.
class ElfFile {
 public:
  ElfFile(unsigned char elf_class, unsigned char data, unsigned type)
      : wide_(elf_class == ELFCLASS64), data_(data) {
    bytes_.assign(ELFMAG);
    bytes_ += static_cast<char>(elf_class);
    bytes_ += static_cast<char>(data);
    bytes_ += static_cast<char>(EV_CURRENT);
    bytes_.resize(wide_ ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
    put(offsetof(Elf64_Ehdr, e_type), type, 2);
    put(wide_ ? offsetof(Elf64_Ehdr, e_phoff) : offsetof(Elf32_Ehdr, e_phoff), bytes_.size(), wide_ ? 8 : 4);
    put(wide_ ? offsetof(Elf64_Ehdr, e_phentsize) : offsetof(Elf32_Ehdr, e_phentsize), entry_size(), 2);
  }

  ElfFile& segment(unsigned type) {
    const std::size_t start = bytes_.size();
    bytes_.resize(start + entry_size());
    put(start, type, 4);
    put(wide_ ? offsetof(Elf64_Ehdr, e_phnum) : offsetof(Elf32_Ehdr, e_phnum), ++count_, 2);
    return *this;
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  [[nodiscard]] std::size_t entry_size() const { return wide_ ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr); }

  void put(std::size_t offset, std::size_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t shift = 8 * (data_ == ELFDATA2LSB ? i : size - 1 - i);
      bytes_[offset + i] = static_cast<char>(value >> shift & 0xff);
    }
  }

  bool wide_;
  unsigned char data_;
  unsigned count_ = 0;
  std::string bytes_;
};

std::vector<ElfFile> all_kinds(unsigned type) {
  return {{ELFCLASS64, ELFDATA2LSB, type},
          {ELFCLASS64, ELFDATA2MSB, type},
          {ELFCLASS32, ELFDATA2LSB, type},
          {ELFCLASS32, ELFDATA2MSB, type}};
}

TEST(StaticExecutable, AcceptsOneWithoutAnInterpreter) {
  for (const unsigned type : {unsigned{ET_EXEC}, unsigned{ET_DYN}}) {
    for (ElfFile& file : all_kinds(type)) {
      const auto checked = check_static_executable(file.segment(PT_LOAD).segment(PT_DYNAMIC).bytes());
      EXPECT_TRUE(checked) << checked.error().what();
    }
  }
}

TEST(StaticExecutable, RefusesOneWithAnInterpreter) {
  for (ElfFile& file : all_kinds(ET_DYN)) {
    const auto checked = check_static_executable(file.segment(PT_LOAD).segment(PT_INTERP).bytes());
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), Code::unsupported_input);
    EXPECT_THAT(checked.error().what(), HasSubstr("dynamically linked"));
  }
}

TEST(StaticExecutable, RefusesThisTestWhichIsDynamicallyLinked) {
  EXPECT_FALSE(check_static_executable(read_bytes("/proc/self/exe")));
}

TEST(StaticExecutable, RefusesWhatIsNotAnExecutable) {
  for (const std::string& bytes :
       {std::string(), std::string("#!/bin/sh\n"), std::string(ELFMAG), std::string(ELFMAG "\x03\x01"),
        ElfFile(ELFCLASS64, ELFDATA2LSB, ET_REL).segment(PT_LOAD).bytes(),
        ElfFile(ELFCLASS64, ELFDATA2LSB, ET_EXEC).bytes()}) {
    const auto checked = check_static_executable(bytes);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code(), Code::unsupported_input);
  }
}

TEST(StaticExecutable, RefusesEveryTruncation) {
  const std::string whole =
      ElfFile(ELFCLASS64, ELFDATA2LSB, ET_EXEC).segment(PT_LOAD).segment(PT_LOAD).bytes();
  ASSERT_TRUE(check_static_executable(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(check_static_executable(std::string_view(whole).substr(0, size))) << size;
  }
}

// At another distance from each other than the kernel reads them, they would hide an interpreter.
TEST(StaticExecutable, RefusesHeadersOfAnotherSize) {
  const std::string whole =
      ElfFile(ELFCLASS64, ELFDATA2LSB, ET_DYN).segment(PT_LOAD).segment(PT_LOAD).bytes();
  for (std::size_t size = 0; size < 2 * sizeof(Elf64_Phdr); ++size) {
    std::string bytes = whole + whole;
    bytes[offsetof(Elf64_Ehdr, e_phentsize)] = static_cast<char>(size);
    EXPECT_EQ(check_static_executable(bytes).has_value(), size == sizeof(Elf64_Phdr)) << size;
  }
}

// The program header lies at the start, so that only the file's own header is cut.
TEST(StaticExecutable, RefusesATruncatedFileHeader) {
  std::string bytes = ElfFile(ELFCLASS64, ELFDATA2LSB, ET_DYN).segment(PT_LOAD).bytes();
  bytes[offsetof(Elf64_Ehdr, e_phoff)] = 0;
  ASSERT_TRUE(check_static_executable(bytes));
  EXPECT_FALSE(check_static_executable(bytes.substr(0, sizeof(Elf64_Ehdr) - 1)));
}

TEST(StaticExecutable, RefusesHeadersPastTheEnd) {
  std::string bytes = ElfFile(ELFCLASS64, ELFDATA2LSB, ET_EXEC).segment(PT_LOAD).bytes();
  std::memset(&bytes[offsetof(Elf64_Ehdr, e_phoff)], 0xff, sizeof(Elf64_Off));
  EXPECT_FALSE(check_static_executable(bytes));
}

}  // namespace
}  // namespace cfs
