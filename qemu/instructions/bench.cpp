// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>

#include "cfs/base/atomic_file.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/initramfs/cpio.hpp"
#include "cfs/initramfs/module_tree.hpp"
#include "observer.hpp"

namespace cfs::instructions {

namespace {

constexpr std::chrono::seconds boot_timeout(600);
constexpr std::size_t program_max_bytes = 64UL * 1024 * 1024;
constexpr std::size_t blocks_max_bytes = 1024UL * 1024 * 1024;
constexpr unsigned long slow_bytes_per_second = 100'000'000;
constexpr unsigned long slow_requests_per_second = 3000;
constexpr std::uintmax_t symbols_max_bytes = 32UL * 1024 * 1024;
constexpr std::size_t rows = 25;

// The plugin of each version of QEMU's plugin API.
struct PluginApi {
  unsigned first_qemu;
  unsigned last_qemu;
  const char* plugin;
};
constexpr std::array plugin_apis{PluginApi{5, 8, "cfs-count-instructions-1.so"},
                                 PluginApi{9, 10, "cfs-count-instructions-3.so"}};

Result<std::string> ask_qemu_version() {
  Machine qemu =
      CFS_TRY(Machine::start_command({qemu_command({}, SerialLine::standard_streams).front(), "--version"}));
  CFS_TRY(qemu.wait_exit(std::chrono::seconds(30)));
  constexpr std::string_view before = "version ";
  const auto found = qemu.log().find(before);
  std::string version =
      found == std::string::npos
          ? ""
          : qemu.log().substr(found + before.size(), qemu.log().find_first_of(" (\n", found + before.size()) -
                                                         found - before.size());
  return version;
}

Result<std::string> plugin_for(const std::string& qemu_version) {
  const auto major = parse_decimal<unsigned>(split(qemu_version, '.').front()).value_or(0);
  for (const PluginApi& api : plugin_apis) {
    if (major >= api.first_qemu && major <= api.last_qemu) {
      return api.plugin;
    }
  }
  return fail(Code::unsupported_input,
              cat("QEMU \"", printable(qemu_version), "\" has another plugin API than that of QEMU ",
                  plugin_apis.front().first_qemu, " to ", plugin_apis.back().last_qemu,
                  ", for which counting instructions was written"));
}

// floor_init as /init, with the modules of a disk.
Result<> make_floor_initramfs(const Setup& setup, const std::string& path) {
  Cpio archive;
  for (const char* directory : {"dev", "proc", "run", "sys", "sysroot"}) {
    archive.add_directory(directory);
  }
  archive.add_device("dev/console", makedev(5, 1), 0600);
  archive.add_file("init", CFS_TRY(read_file(setup.floor_init, program_max_bytes)), 0755);
  const ModuleTree tree = CFS_TRY(ModuleTree::open(setup.modules));
  std::string list;
  for (const ModuleNames& group : CFS_TRY(tree.load_order({&setup.floor_modules, 1}))) {
    for (const std::string& file : group) {
      const std::string name(decompressed_name(file));
      archive.add_file(name, CFS_TRY(tree.read(file)));
      list += cat('/', name, '\n');
    }
  }
  archive.add_file("modules", std::move(list));
  AtomicFile output = CFS_TRY(AtomicFile::create(path));
  CFS_TRY(archive.write(output.fd(), 0, Compression::zstd));
  return output.commit();
}

// no_timer_check: the kernel otherwise executes a loop until the machine's clock has ticked.
MachineOptions machine_options(const Setup& setup) {
  MachineOptions options;
  options.kernel = setup.kernel;
  options.cmdline = cat("console=", serial_console(),
                        " quiet panic=-1 nokaslr no_timer_check rd.systemd.gpt_auto=0 systemd.gpt_auto=0 "
                        "systemd.firstboot=off ",
                        setup.cmdline);
  options.acceleration = Acceleration::emulation_by_instructions;
  options.cpu = setup.cpu;
  options.extra = setup.qemu;
  return options;
}

// "ADDRESS T NAME" in a console's text.
Result<std::string> address_of(std::string_view text, std::string_view symbol) {
  for (const std::string_view line : split(text, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() == 3 && words[2] == symbol) {
      return std::string(words[0]);
    }
  }
  return fail(Code::not_found, cat("the kernel does not say where its ", symbol, "() is"));
}

}  // namespace

std::optional<Range> range(const Measured& measured, Stage from, Stage to,
                           std::uint64_t StageCount::* figure) {
  std::vector<std::uint64_t> values;
  for (const Counts& run : measured.runs) {
    if (const auto value = run.between(from, to)) {
      values.push_back((*value).*figure);
    }
  }
  if (values.empty()) {
    return std::nullopt;
  }
  std::sort(values.begin(), values.end());
  return Range{.minimum = values.front(), .median = values[values.size() / 2], .maximum = values.back()};
}

Result<Bench> Bench::open(const Setup& setup) {
  Bench bench(setup);
  bench.qemu_version_ = CFS_TRY(ask_qemu_version());
  bench.plugin_ = cat(setup.plugins, '/', CFS_TRY(plugin_for(bench.qemu_version_)));
  CFS_TRY(bench.ask_kernel());
  return bench;
}

Result<> Bench::ask_kernel() {
  MachineOptions options = machine_options(setup_);
  options.initrd = setup_.work + "/symbols.img";
  CFS_TRY(make_floor_initramfs(setup_, options.initrd));
  options.cmdline += " bench.symbols";
  Machine machine = CFS_TRY(Machine::start(options));
  const std::string text = CFS_TRY(machine.wait_for("bench: end", boot_timeout));
  places_ = cat(",", name(Stage::kernel_entry), "=", setup_.kernel_entry);
  places_ += cat(",", name(Stage::kernel_start), "=", CFS_TRY(address_of(text, "start_kernel")));
  places_ += cat(",", name(Stage::init_exec), "=", CFS_TRY(address_of(text, "run_init_process")));
  if (!setup_.root.empty()) {
    places_ += cat(",", name(Stage::root_init), "=",
                   CFS_TRY(CodeIndex::entry_of(setup_.root + "/usr/lib/systemd/systemd")));
  }
  return {};
}

Result<MachineOptions> Bench::machine(const Contender& contender) const {
  MachineOptions options = machine_options(setup_);
  options.initrd = contender.initrd;
  options.cmdline += cat(' ', contender.cmdline);
  if (!std::filesystem::exists(options.initrd)) {
    CFS_TRY(make_floor_initramfs(setup_, options.initrd));
  }
  if (!contender.disk.empty()) {
    options.disks.push_back({.file = contender.disk});
  }
  return options;
}

Result<> Bench::wait_for_end(Machine& machine, const Contender& contender) const {
  CFS_TRY(machine.wait_for(setup_.end, boot_timeout));
  return machine.log().find(contender.says) != std::string::npos
             ? Result<>()
             : fail(Code::not_found, cat("the console does not say ", contender.says));
}

Result<Counts> Bench::boot(const Contender& contender, const Extra& extra) const {
  MachineOptions options = CFS_TRY(machine(contender));
  options.cmdline += extra.cmdline;
  if (!extra.disk.empty()) {
    options.disks.push_back({.file = extra.disk, .writes = MachineDisk::Writes::kept});
  }
  const Observer observer = CFS_TRY(Observer::make(setup_.work));
  options.extra.insert(options.extra.end(),
                       {"-plugin", cat(plugin_, observer.plugin_options(), places_, extra.plugin)});
  Machine machine = CFS_TRY(Machine::start(options));
  // Before the machine ends: the observer talks to its monitor.
  Result<std::string> stages;
  std::jthread observing([&](const std::stop_token& stop) { stages = observer.observe(stop, machine); });
  const auto ended = wait_for_end(machine, contender);
  observing.request_stop();
  observing.join();
  CFS_TRY(ended);
  return Counts::parse(CFS_TRY(stages));
}

Result<Counts> Bench::boot(const Contender& contender) const {
  return boot(contender, {});
}

Result<> Bench::task_boot(const Contender& contender, const std::string& disk) const {
  CFS_TRY(boot(contender, {.cmdline = " bench.task", .disk = disk}));
  return {};
}

Result<Times> Bench::time_boot(const Contender& contender, DiskSpeed speed) const {
  MachineOptions options = CFS_TRY(machine(contender));
  options.acceleration = Acceleration::emulation;
  options.processors = 2;
  if (speed == DiskSpeed::slow) {
    options.disks[0].bytes_per_second = slow_bytes_per_second;
    options.disks[0].requests_per_second = slow_requests_per_second;
  }
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  Machine machine = CFS_TRY(Machine::start(options));
  Times times;
  CFS_TRY(machine.wait_for(cat("bench: ", name(Stage::early_service)), boot_timeout));
  times.early_service = seconds();
  CFS_TRY(machine.wait_for(cat("bench: ", name(Stage::multi_user_target)), boot_timeout));
  times.multi_user_target = seconds();
  CFS_TRY(wait_for_end(machine, contender));
  return times;
}

Result<std::string> Bench::profile_boot(const Contender& contender, const std::vector<Span>& spans) const {
  const std::string blocks = setup_.work + "/blocks";
  const std::string symbols = setup_.work + "/symbols";
  CFS_TRY(write_file(symbols, ""));
  std::error_code error;
  std::filesystem::resize_file(symbols, symbols_max_bytes, error);
  if (error) {
    return fail(Code::io_error, cat("make ", symbols, ": ", error.message()));
  }
  CFS_TRY(boot(contender, {.plugin = ",blocks=" + blocks, .disk = symbols}));
  CodeIndex index;
  index.add_kernel(CFS_TRY(read_file(symbols, symbols_max_bytes)));
  CFS_TRY(index.add_program(setup_.floor_init));
  for (const std::string& program : setup_.programs) {
    CFS_TRY(std::filesystem::is_directory(program, error) ? index.add_programs_below(program)
                                                          : index.add_program(program));
  }
  CFS_TRY(index.add_programs_below(setup_.root + "/usr"));
  const std::string text = CFS_TRY(read_file(blocks, blocks_max_bytes));
  std::string result;
  for (const Span& span : spans) {
    const std::string title = cat(contender.name, ", ", name(span.from), " to ", name(span.to));
    const auto found = profile(text, span, index);
    result += (found ? text_of(*found, title, rows) : cat(title, ": ", found.error().what(), '\n')) + '\n';
  }
  return result;
}

}  // namespace cfs::instructions
