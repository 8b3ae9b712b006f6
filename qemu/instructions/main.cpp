// SPDX-License-Identifier: Apache-2.0
// cfs-bench-boot: boots contenders and counts their instructions. qemu/bench starts it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <tuple>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/text.hpp"
#include "results.hpp"

namespace {

using cfs::Result;
using cfs::instructions::Bench;
using cfs::instructions::Contender;
using cfs::instructions::DiskSpeed;
using cfs::instructions::Figure;
using cfs::instructions::Measured;
using cfs::instructions::Results;
using cfs::instructions::Span;

struct Options {
  cfs::instructions::Setup setup;
  std::string output;
  unsigned runs = 3;
  unsigned timed = 3;
  std::string profile;  // spans; empty: none
  std::string task;     // a disk; empty: none
  std::vector<std::tuple<std::string, std::string, std::string, std::string, std::string>> contenders;
};

Result<> write(const Results& results, const std::string& directory) {
  CFS_TRY(cfs::write_file(directory + "/boot.json", json(results)));
  return cfs::write_file(directory + "/boot.svg", chart(results));
}

// The boots that nothing is counted of.
Result<> time_boots(const Bench& bench, const Contender& contender, Measured& measured) {
  (void)std::fprintf(stderr, "Timing %s …\n", contender.name.c_str());
  measured.timed.push_back(CFS_TRY(bench.time_boot(contender, DiskSpeed::full)));
  measured.timed_on_slow_disk.push_back(CFS_TRY(bench.time_boot(contender, DiskSpeed::slow)));
  return {};
}

// In turn, so that what changes on this machine meanwhile changes all; written after each turn, so that one
// boot that fails does not lose an hour's.
Result<Results> measure(const Bench& bench, const std::vector<Contender>& contenders,
                        const Options& options) {
  Results results{.qemu_version = bench.qemu_version(),
                  .cpu = options.setup.cpu,
                  .kernel_entry = options.setup.kernel_entry,
                  .contenders = {}};
  for (const Contender& contender : contenders) {
    results.contenders.push_back({.name = contender.name});
  }
  for (unsigned run = 1; run <= options.runs; ++run) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      (void)std::fprintf(stderr, "Booting %s, run %u of %u …\n", contenders[i].name.c_str(), run,
                         options.runs);
      Measured& measured = results.contenders[i];
      measured.runs.push_back(CFS_TRY_IN(bench.boot(contenders[i]), cfs::cat("boot ", contenders[i].name)));
      std::error_code error;
      measured.initrd_bytes = std::filesystem::file_size(contenders[i].initrd, error);
    }
    CFS_TRY(write(results, options.output));
  }
  for (unsigned run = 1; run <= options.timed; ++run) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      CFS_TRY_IN(time_boots(bench, contenders[i], results.contenders[i]),
                 cfs::cat("time ", contenders[i].name));
    }
    CFS_TRY(write(results, options.output));
  }
  return results;
}

Result<std::string> profiles(const Bench& bench, const std::vector<Contender>& contenders,
                             const std::vector<Span>& spans) {
  std::string text;
  for (const Contender& contender : contenders) {
    (void)std::fprintf(stderr, "Booting %s for a profile …\n", contender.name.c_str());
    text += CFS_TRY_IN(bench.profile_boot(contender, spans), cfs::cat("profile ", contender.name));
  }
  return text;
}

Result<> bench(const Options& options) {
  std::vector<Contender> contenders;
  contenders.reserve(options.contenders.size());
  for (const auto& [name, initrd, disk, says, cmdline] : options.contenders) {
    contenders.push_back({.name = name, .initrd = initrd, .disk = disk, .says = says, .cmdline = cmdline});
  }
  const auto spans = CFS_TRY(cfs::instructions::parse_spans(options.profile));
  const Bench bench = CFS_TRY(Bench::open(options.setup));
  if (!options.task.empty()) {
    return bench.task_boot(contenders.front(), options.task);
  }
  const Results results = CFS_TRY(measure(bench, contenders, options));
  if (options.runs > 0) {
    (void)std::printf("%s\n%s\n%s\n", conditions(results).c_str(), stage_table(results).c_str(),
                      part_table(results, Figure::instructions).c_str());
    (void)std::printf("Requests to the disk until a stage has ended, and megabytes read:\n\n%s\n",
                      read_table(results).c_str());
    (void)std::printf("Requests of the parts:\n\n%s\nMegabytes of the parts:\n\n%s\n",
                      part_table(results, Figure::read_requests).c_str(),
                      part_table(results, Figure::read_bytes).c_str());
  }
  if (options.timed > 0) {
    (void)std::printf(
        "Seconds from the start of QEMU; nothing counted, two processors, each emulated in a thread. The "
        "slow disk\n"
        "has 100 MB/s and 3,000 requests a second. Beside them the ratio to e.\n\n%s\n",
        time_table(results).c_str());
  }
  if (spans.empty()) {
    return {};
  }
  const std::string text = CFS_TRY(profiles(bench, contenders, spans));
  (void)std::printf("%s", text.c_str());
  return cfs::write_file(options.output + "/profile.txt", text);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Counts the instructions of boots; see qemu/bench --help", "cfs-bench-boot");
  app.add_option("--kernel", options.setup.kernel)->required();
  app.add_option("--kernel-entry", options.setup.kernel_entry, "The address of its first instruction");
  app.add_option("--modules", options.setup.modules, "ROOTFS/lib/modules/KVER")->required();
  app.add_option("--plugins", options.setup.plugins, "Where the counting plugins of QEMU are")->required();
  app.add_option("--floor-init", options.setup.floor_init, "The /init of the floor")->required();
  app.add_option("--floor-module", options.setup.floor_modules,
                 "What the floor loads, in place of what a disk needs")
      ->allow_extra_args(false);
  app.add_option("--root", options.setup.root, "The directory of which the disks were made")->required();
  app.add_option("--program", options.setup.programs,
                 "One more, or a directory of them, to name their functions in profiles")
      ->allow_extra_args(false);
  app.add_option("--cpu", options.setup.cpu, "A processor model of QEMU's");
  app.add_option("--work", options.setup.work, "A directory to write into")->required();
  app.add_option("--output", options.output, "A directory for the results")->required();
  app.add_option("--runs", options.runs, "Counted boots of each contender");
  app.add_option("--timed", options.timed, "Timed boots of each contender and each kind of disk");
  app.add_option("--append", options.setup.cmdline, "More words for the kernel");
  app.add_option("--profile", options.profile, "FROM:TO,…: stages between which to show the functions");
  app.add_option("--task", options.task, "Nothing but a boot with bench.task and this second disk");
  app.add_option("--contender", options.contenders,
                 "NAME INITRD DISK WORDS-ON-CONSOLE WORDS-FOR-KERNEL, each time")
      ->required();
  CLI11_PARSE(app, argc, argv);
  if (const Result<> outcome = bench(options); !outcome) {
    (void)std::fprintf(stderr, "cfs-bench-boot: %s\n", outcome.error().line().c_str());
    return 1;
  }
  return 0;
}
