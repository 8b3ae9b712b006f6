// SPDX-License-Identifier: Apache-2.0
#include "code_index.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/tool/svg.hpp"
#include "page_hash.hpp"

namespace cfs::instructions {

namespace {

constexpr std::size_t program_max_bytes = 256UL * 1024 * 1024;
constexpr std::uint64_t user_end = 0x0000800000000000;

// A structure at an offset of the file; nothing past its end.
template <class T>
std::optional<T> read(std::string_view bytes, std::uint64_t offset) {
  T value{};
  if (offset > bytes.size() || bytes.size() - offset < sizeof value) {
    return std::nullopt;
  }
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::optional<Elf64_Ehdr> header_of(std::string_view bytes) {
  const auto header = read<Elf64_Ehdr>(bytes, 0);
  const bool ours = header && std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
                    header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB;
  return ours ? header : std::nullopt;
}

std::vector<Elf64_Phdr> code_segments(std::string_view bytes, const Elf64_Ehdr& header) {
  std::vector<Elf64_Phdr> segments;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = read<Elf64_Phdr>(bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment && segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0) {
      segments.push_back(*segment);
    }
  }
  return segments;
}

// A page of a file as it is in memory: zeros past the end of the file.
std::uint64_t hash_at(std::string_view bytes, std::uint64_t offset) {
  std::string page(bytes.substr(std::min<std::uint64_t>(offset, bytes.size()), page_size));
  page.resize(page_size);
  return page_hash(page.data());
}

// The symbol table of a program, or else that for its dynamic linker.
std::optional<Elf64_Shdr> symbol_table(std::string_view bytes, const Elf64_Ehdr& header) {
  std::optional<Elf64_Shdr> table;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = read<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (section && (section->sh_type == SHT_SYMTAB || (section->sh_type == SHT_DYNSYM && !table))) {
      table = section;
    }
  }
  return table;
}

}  // namespace

CodeIndex::Symbols CodeIndex::symbols_of(std::string_view elf, const std::string& program) {
  Symbols symbols;
  const auto header = header_of(elf);
  const auto table = header ? symbol_table(elf, *header) : std::nullopt;
  const auto names =
      table ? read<Elf64_Shdr>(elf, header->e_shoff + table->sh_link * sizeof(Elf64_Shdr)) : std::nullopt;
  for (std::uint64_t at = 0; names && at + sizeof(Elf64_Sym) <= table->sh_size; at += sizeof(Elf64_Sym)) {
    const auto symbol = read<Elf64_Sym>(elf, table->sh_offset + at);
    if (!symbol) {
      break;
    }
    if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_value != 0 &&
        names->sh_offset + symbol->st_name < elf.size()) {
      const auto name = elf.substr(names->sh_offset + symbol->st_name);
      symbols.try_emplace(symbol->st_value,
                          Symbol{.function = {program, std::string(name.substr(0, name.find('\0')))},
                                 .size = symbol->st_size});
    }
  }
  return symbols;
}

Function CodeIndex::find_in(const Symbols& symbols, std::uint64_t address, const std::string& program) {
  const auto after = symbols.upper_bound(address);
  if (after == symbols.begin()) {
    return {program, ""};
  }
  // A stripped program has symbols for what others may call, and none for most of its code.
  const auto& [begin, symbol] = *std::prev(after);
  const bool covered = symbol.size == 0 || address - begin < symbol.size;
  return covered ? symbol.function : Function{program, ""};
}

void CodeIndex::add_kernel(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ' ');  // ADDRESS TYPE NAME or ADDRESS TYPE NAME<tab>[MODULE]
    if (words.size() != 3 || words[1].empty() ||
        std::string_view("tTwW").find(words[1]) == std::string::npos) {
      continue;
    }
    const std::uint64_t address = std::strtoull(std::string(words[0]).c_str(), nullptr, 16);
    const auto parts = split(words[2], '\t');
    const bool module = parts.size() == 2 && parts[1].size() > 2;
    if (address >= user_end) {
      kernel_.try_emplace(
          address, Symbol{.function = {module ? cat("kernel module ", parts[1].substr(1, parts[1].size() - 2))
                                              : "kernel",
                                       std::string(parts[0])}});
    }
  }
}

Result<> CodeIndex::add_program(const std::string& path) {
  const std::string bytes = CFS_TRY(read_file(path, program_max_bytes));
  const auto header = header_of(bytes);
  if (!header) {
    return {};
  }
  const std::string name = std::filesystem::path(path).filename().string();
  const std::size_t number = programs_.size();
  programs_.push_back({.name = name, .symbols = symbols_of(bytes, name)});
  for (const Elf64_Phdr& segment : code_segments(bytes, *header)) {
    const std::uint64_t begin = segment.p_offset / page_size * page_size;
    const std::uint64_t end = std::min<std::uint64_t>(segment.p_offset + segment.p_filesz, bytes.size());
    for (std::uint64_t offset = begin; offset < end; offset += page_size) {
      pages_.try_emplace(hash_at(bytes, offset),
                         Page{.program = number, .address = offset + segment.p_vaddr - segment.p_offset});
    }
  }
  return {};
}

Result<> CodeIndex::add_programs_below(const std::string& directory) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator files(directory, error);
  for (; !error && files != std::filesystem::recursive_directory_iterator(); files.increment(error)) {
    if (files->symlink_status(error).type() == std::filesystem::file_type::regular) {
      CFS_TRY(add_program(files->path().string()));
    }
  }
  if (error) {
    return fail(Code::io_error, cat("look through ", printable(directory), ": ", error.message()));
  }
  return {};
}

Function CodeIndex::find(std::uint64_t address, std::uint64_t hash) const {
  if (address >= user_end) {
    return find_in(kernel_, address, "kernel");
  }
  const auto page = pages_.find(hash);
  if (page == pages_.end()) {
    return {"code of no file", ""};
  }
  const Program& program = programs_[page->second.program];
  return find_in(program.symbols, page->second.address + address % page_size, program.name);
}

Result<std::string> CodeIndex::entry_of(const std::string& path) {
  const std::string bytes = CFS_TRY(read_file(path, program_max_bytes));
  if (const auto header = header_of(bytes)) {
    for (const Elf64_Phdr& segment : code_segments(bytes, *header)) {
      if (header->e_entry >= segment.p_vaddr && header->e_entry - segment.p_vaddr < segment.p_filesz) {
        const std::uint64_t offset = header->e_entry - segment.p_vaddr + segment.p_offset;
        return format("%lx:%lx", offset % page_size, hash_at(bytes, offset / page_size * page_size));
      }
    }
  }
  return fail(Code::unsupported_input, cat(printable(path), " is not a program of 64 bits"));
}

}  // namespace cfs::instructions
