// SPDX-License-Identifier: Apache-2.0
// Counts the instructions of the initramfs, and compares them with those that are kept in
// tests/data/instructions.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "qemu/instructions/bench.hpp"
#include "small_machine.hpp"

namespace cfs::test {
namespace {

constexpr auto kept_file = CFS_TEST_DATA "/instructions";
constexpr std::size_t kept_max_bytes = 4096;
constexpr auto tolerance = 1.02;
// Of each stage the least counts.
constexpr int boots = 2;

// Instructions of each stage from the first of /init to the execution of the root's init, and by what they
// were counted: figures of another kernel or emulator say nothing.
struct Figures {
  std::string kernel;
  std::string qemu;
  std::map<Stage, std::uint64_t> stages;

  // The check of the modules' signatures takes many times what all the rest does: it would hide that.
  [[nodiscard]] std::uint64_t without_modules() const {
    std::uint64_t sum = 0;
    for (const auto& [stage, instructions] : stages) {
      sum += stage == Stage::modules ? 0 : instructions;
    }
    return sum;
  }
};

// A line for each: its name and its figure.
std::string text_of(const Figures& figures) {
  std::string text = cat("kernel ", figures.kernel, "\nqemu ", figures.qemu, '\n');
  for (const auto& [stage, instructions] : figures.stages) {
    text += cat(name(stage), ' ', instructions, '\n');
  }
  return text;
}

Figures parse(const std::string& text) {
  Figures figures;
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() != 2) {
      continue;
    }
    if (const auto stage = stage_by_name(words[0])) {
      figures.stages[*stage] = parse_decimal<std::uint64_t>(words[1]).value();
    } else {
      (words[0] == "kernel" ? figures.kernel : figures.qemu) = words[1];
    }
  }
  return figures;
}

// As memory that keeps its contents, which the processor reads itself: what a boot executes while it waits
// for a disk differs.
std::vector<std::string> store_in_memory(const std::filesystem::path& store) {
  constexpr std::uintmax_t multiple = 128UL * 1024 * 1024;  // that memory can have
  std::filesystem::resize_file(store, multiple);
  return {
      "-machine", "nvdimm=on",
      "-m",       "1024,slots=1,maxmem=2G",
      "-object",  cat("memory-backend-file,id=store,share=off,size=", multiple, ",mem-path=", store.string()),
      "-device",  "nvdimm,memdev=store,unarmed=on"};
}

void count_boot(const instructions::Bench& bench, const std::string& initramfs, Figures& figures) {
  const auto counts = bench.boot({.name = "small", .initrd = initramfs});
  ASSERT_TRUE(counts) << counts.error().line();
  Stage before = Stage::init_entry;
  for (auto i = static_cast<std::size_t>(before) + 1; i <= static_cast<std::size_t>(Stage::switch_root);
       ++i) {
    const auto stage = static_cast<Stage>(i);
    const auto instructions = counts->between(before, stage);
    ASSERT_TRUE(instructions) << "the boot does not have " << name(stage);
    const auto known = figures.stages.try_emplace(stage, instructions->instructions).first;
    known->second = std::min(known->second, instructions->instructions);
    before = stage;
  }
}

TEST(Instructions, OfTheInitramfsAreNotMoreThanThoseKept) {
  const KernelFiles kernel = debian_kernel(SmallMachine::suite);
  const bool renew = std::getenv("CFS_RENEW") != nullptr;
  const Figures kept = parse(read_file(kept_file, kept_max_bytes).value_or(""));
  const SmallMachine& machine = small_machine();
  // Which lets the words of the bench pass, and names none of them.
  const std::string policy =
      std::string(SmallMachine::policy_without_words) + "[cmdline]\ntrust = \"signed\"\n";
  const auto initramfs = machine.initramfs("instructions", policy, SmallMachine::suite,
                                           {"--module", "nfit", "--module", "nd_pmem"});
  const auto bench =
      instructions::Bench::open({.kernel = kernel.image,
                                 .modules = kernel.modules,
                                 .plugins = CFS_COUNT_PLUGINS,
                                 .floor_init = CFS_FLOOR_INIT,
                                 .cmdline = "cryptomgr.notests",
                                 .qemu = store_in_memory(machine.copy_of_store_disk("store-in-memory")),
                                 .end = "guest: started",
                                 .work = machine.workshop().path(".")});
  if (!bench && bench.error().code() == Code::unsupported_input) {
    GTEST_SKIP() << bench.error().what();
  }
  ASSERT_TRUE(bench) << bench.error().line();
  Figures now{.kernel = kernel.modules.filename(), .qemu = bench->qemu_version(), .stages = {}};
  if (!renew && (now.kernel != kept.kernel || now.qemu != kept.qemu)) {
    GTEST_SKIP() << kept_file << " is of Linux " << kept.kernel << " on QEMU " << kept.qemu
                 << ", and not of Linux " << now.kernel << " on QEMU " << now.qemu
                 << ": tests/run --renew -R Instructions counts anew";
  }
  for (int i = 0; i < boots; ++i) {
    ASSERT_NO_FATAL_FAILURE(count_boot(*bench, initramfs, now));
  }
  std::printf("%s", text_of(now).c_str());
  if (renew) {
    write(kept_file, text_of(now));
    return;
  }
  const auto most = [](std::uint64_t instructions) { return static_cast<double>(instructions) * tolerance; };
  EXPECT_LE(static_cast<double>(now.without_modules()), most(kept.without_modules())) << "kept are\n"
                                                                                      << text_of(kept);
  EXPECT_LE(static_cast<double>(now.stages.at(Stage::modules)), most(kept.stages.at(Stage::modules)));
}

}  // namespace
}  // namespace cfs::test
