// SPDX-License-Identifier: Apache-2.0
// A kernel's module directory for a test: small modules of the right form, indexed by depmod(8).
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "unit/temp_directory.hpp"

namespace cfs {

// What a module says about itself.
struct KernelModule {
  std::vector<std::string> exports{};  // symbols that others may use
  std::vector<std::string> uses{};     // symbols of others
  std::vector<std::string> info{};     // "softdep=pre: x", "alias=y"
};

namespace detail {

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

inline std::string join(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    joined += word + '\0';
  }
  return joined;
}

}  // namespace detail

// A relocatable ELF file that has the sections depmod reads, and no code.
inline std::string make_module(const KernelModule& module) {
  std::string strings(1, '\0');
  std::string symbols = detail::bytes_of(Elf64_Sym{});
  for (const std::string& symbol : module.uses) {
    Elf64_Sym undefined{};
    undefined.st_name = static_cast<Elf64_Word>(strings.size());
    undefined.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
    symbols += detail::bytes_of(undefined);
    strings += symbol + '\0';
  }
  struct Section {
    std::string_view name;
    Elf64_Word type;
    std::string bytes;
  };
  const std::vector<Section> sections{{"", SHT_NULL, ""},
                                      {".modinfo", SHT_PROGBITS, detail::join(module.info)},
                                      {"__ksymtab_strings", SHT_PROGBITS, detail::join(module.exports)},
                                      {".symtab", SHT_SYMTAB, symbols},
                                      {".strtab", SHT_STRTAB, strings},
                                      {".shstrtab", SHT_STRTAB, ""}};
  std::string names;
  std::string contents;
  std::string headers;
  for (const Section& section : sections) {
    Elf64_Shdr header{};
    header.sh_name = static_cast<Elf64_Word>(names.size());
    names += std::string(section.name) + '\0';
    const std::string& bytes = section.name == ".shstrtab" ? names : section.bytes;
    header.sh_type = section.type;
    header.sh_offset = sizeof(Elf64_Ehdr) + contents.size();
    header.sh_size = bytes.size();
    if (section.type == SHT_SYMTAB) {
      header.sh_link = 4;
      header.sh_entsize = sizeof(Elf64_Sym);
    }
    contents += bytes;
    contents.resize((contents.size() + 7) / 8 * 8);
    headers += detail::bytes_of(header);
  }
  Elf64_Ehdr file{};
  std::memcpy(file.e_ident, ELFMAG, SELFMAG);
  file.e_ident[EI_CLASS] = ELFCLASS64;
  file.e_ident[EI_DATA] = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  file.e_ident[EI_VERSION] = EV_CURRENT;
  file.e_type = ET_REL;
  file.e_machine = EM_X86_64;
  file.e_version = EV_CURRENT;
  file.e_shoff = sizeof file + contents.size();
  file.e_ehsize = sizeof file;
  file.e_shentsize = sizeof(Elf64_Shdr);
  file.e_shnum = static_cast<Elf64_Half>(sections.size());
  file.e_shstrndx = static_cast<Elf64_Half>(sections.size() - 1);
  return detail::bytes_of(file) + contents + headers;
}

// `bytes` in a file, compressed as its name's ending says.
inline void write_compressed(const std::string& path, const std::string& bytes) {
  archive* writer = archive_write_new();
  archive_write_set_format_raw(writer);
  if (path.ends_with(".xz")) {
    archive_write_add_filter_xz(writer);
  } else if (path.ends_with(".zst")) {
    archive_write_add_filter_zstd(writer);
  } else if (path.ends_with(".gz")) {
    archive_write_add_filter_gzip(writer);
  }
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  EXPECT_EQ(archive_write_open_filename(writer, path.c_str()), ARCHIVE_OK);
  EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK);
  EXPECT_EQ(archive_write_data(writer, bytes.data(), bytes.size()), static_cast<la_ssize_t>(bytes.size()));
  EXPECT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_entry_free(entry);
  archive_write_free(writer);
}

class KernelTree {
 public:
  explicit KernelTree(std::string release = "6.12.9-test") : release_(std::move(release)) {}

  [[nodiscard]] std::string directory() const { return files_.path("lib/modules/" + release_); }

  // `file` is relative to the directory: "kernel/fs/erofs.ko", or with an ending, compressed.
  void add(const std::string& file, const KernelModule& module = {}) {
    const std::filesystem::path path(directory() + '/' + file);
    std::filesystem::create_directories(path.parent_path());
    write_compressed(path.string(), make_module(module));
    order_ += file + '\n';
  }

  void add_builtin(const std::string& file) { builtin_ += file + '\n'; }

  // Runs depmod, after the last module was added.
  void index() const {
    files_.write("lib/modules/" + release_ + "/modules.order", order_);
    files_.write("lib/modules/" + release_ + "/modules.builtin", builtin_);
    files_.write("lib/modules/" + release_ + "/modules.builtin.modinfo", std::string(1, '\0'));
    const std::string depmod =
        "PATH=\"$PATH:/usr/sbin:/sbin\" depmod --basedir " + files_.path() + ' ' + release_;
    // Called by one thread, with names that the test chose.
    // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe)
    EXPECT_EQ(std::system(depmod.c_str()), 0);
  }

 private:
  TempDirectory files_;
  std::string release_;
  std::string order_;
  std::string builtin_;
};

}  // namespace cfs
