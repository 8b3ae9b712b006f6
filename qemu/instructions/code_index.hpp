// SPDX-License-Identifier: Apache-2.0
// Whose code was executed: finds the function to which an address belongs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs::instructions {

struct Function {
  std::string program;  // "kernel", "kernel module NAME", or the name of a file
  std::string name;     // empty when no symbol of the program covers it
};

class CodeIndex {
 public:
  // `text` is /proc/kallsyms of a kernel without address randomisation. Without it nothing of the kernel has
  // a name.
  void add_kernel(std::string_view text);

  // The code of an ELF file, known by the contents of its pages; of two files with the same page the one that
  // was added first counts. What is no ELF file of 64 bits and this byte order is passed over.
  // Code::io_error, Code::not_found.
  [[nodiscard]] Result<> add_program(const std::string& path);

  // The same for each regular file below a directory.
  [[nodiscard]] Result<> add_programs_below(const std::string& directory);

  // `hash` is page_hash() of the page where the code lies, 0 for code of the kernel.
  [[nodiscard]] Function find(std::uint64_t address, std::uint64_t hash) const;

  // "OFFSET:HASH", hexadecimal, of the code at which a program in the index begins, as the plugin wants it.
  [[nodiscard]] static Result<std::string> entry_of(const std::string& path);

 private:
  struct Symbol {
    Function function;
    std::uint64_t size = 0;  // 0: to the next symbol
  };
  using Symbols = std::map<std::uint64_t, Symbol>;  // by the address where each begins
  struct Program {
    std::string name;
    Symbols symbols{};
  };
  struct Page {
    std::size_t program;
    std::uint64_t address;  // in the program, as its symbols have it
  };
  [[nodiscard]] static Symbols symbols_of(std::string_view elf, const std::string& program);
  [[nodiscard]] static Function find_in(const Symbols& symbols, std::uint64_t address,
                                        const std::string& program);

  Symbols kernel_;
  std::vector<Program> programs_;
  std::unordered_map<std::uint64_t, Page> pages_;  // by page_hash()
};

}  // namespace cfs::instructions
