// SPDX-License-Identifier: Apache-2.0
#include "qemu/instructions/code_index.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "qemu/instructions/page_hash.hpp"
#include "unit/temp_directory.hpp"

namespace cfs::instructions {
namespace {

TEST(CodeIndex, FindsTheKernelsFunctions) {
  CodeIndex index;
  index.add_kernel(
      "ffffffff81000000 T _stext\n"
      "ffffffff81000100 t one\n"
      "ffffffff81000180 d data\n"
      "ffffffff81000200 T two\n"
      "ffffffffc0000000 t load\t[erofs]\n"
      "0000000000000000 A absolute\n"
      "not a line\n");
  EXPECT_EQ(index.find(0xffffffff81000100, 0).name, "one");
  EXPECT_EQ(index.find(0xffffffff810001ff, 0).name, "one");
  EXPECT_EQ(index.find(0xffffffff81000200, 0).name, "two");
  EXPECT_EQ(index.find(0xffffffff81000200, 0).program, "kernel");
  EXPECT_EQ(index.find(0xffffffffc0000010, 0).name, "load");
  EXPECT_EQ(index.find(0xffffffffc0000010, 0).program, "kernel module erofs");
  EXPECT_EQ(index.find(0xffff800000000000, 0).name, "");
}

// A function of this test, where it lies in memory: the index has to find it by the contents of its page
// alone.
const auto address = reinterpret_cast<std::uintptr_t>(&page_hash);

std::uint64_t hash_of_its_page() {
  return page_hash(reinterpret_cast<const char*>(&page_hash) - address % page_size);
}

TEST(CodeIndex, FindsAFunctionByTheContentsOfItsPage) {
  CodeIndex index;
  ASSERT_TRUE(index.add_program("/proc/self/exe"));
  const Function found = index.find(address, hash_of_its_page());
  EXPECT_EQ(found.program, "exe");
  EXPECT_NE(found.name.find("page_hash"), std::string::npos) << found.name;
  EXPECT_EQ(index.find(address, 1).program, "code of no file");
}

TEST(CodeIndex, LooksThroughDirectoriesAndPassesOverWhatIsNoProgram) {
  const TempDirectory directory;
  std::filesystem::create_directory(directory.path("below"));
  std::filesystem::copy_file("/proc/self/exe", directory.path("below/program"));
  (void)directory.write("text", "#!/bin/sh\n");
  (void)directory.write("cut", std::string("\x7f"
                                           "ELF\x02\x01",
                                           6));
  CodeIndex index;
  ASSERT_TRUE(index.add_programs_below(directory.path("")));
  EXPECT_EQ(index.find(address, hash_of_its_page()).program, "program");
  EXPECT_FALSE(index.add_programs_below(directory.path("absent")));
}

// Offsets and sizes that lie: a file may be damaged.
TEST(CodeIndex, SurvivesAnyHeader) {
  const TempDirectory directory;
  const std::string file = directory.path("program");
  std::string bytes = read_bytes("/proc/self/exe").substr(0, 64UL * 1024);
  for (std::size_t at = 16; at < 64 + 8 * 56; at += 3) {
    std::string damaged = bytes;
    damaged[at] = '\xff';
    (void)directory.write("program", damaged);
    CodeIndex index;
    EXPECT_TRUE(index.add_program(file));
    (void)CodeIndex::entry_of(file);
  }
}

TEST(EntryOf, IsAnOffsetAndAHash) {
  const auto entry = CodeIndex::entry_of("/proc/self/exe");
  ASSERT_TRUE(entry);
  const auto colon = entry->find(':');
  ASSERT_NE(colon, std::string::npos);
  EXPECT_LT(std::stoul(entry->substr(0, colon), nullptr, 16), page_size);
  EXPECT_NE(std::stoull(entry->substr(colon + 1), nullptr, 16), 0U);
  EXPECT_FALSE(CodeIndex::entry_of("/proc/self/maps"));
}

}  // namespace
}  // namespace cfs::instructions
