// SPDX-License-Identifier: Apache-2.0
// Boots contenders and counts, or looks at the clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "counts.hpp"
#include "profile.hpp"
#include "qemu/machine.hpp"

namespace cfs::instructions {

struct Contender {
  std::string name;       // "a"
  std::string initrd;     // made from floor_init if there is no such file
  std::string disk{};     // none: that of Setup::qemu
  std::string says{};     // what its console must have said by the end of a boot
  std::string cmdline{};  // more words for the kernel
};

struct Setup {
  std::string kernel;
  // Hexadecimal: that of a bzImage (Documentation/arch/x86/boot.rst of Linux), where it decompresses itself,
  // unless the kernel is an uncompressed one.
  std::string kernel_entry = "100000";
  std::string modules;     // ROOTFS/lib/modules/KVER
  std::string plugins;     // the directory of cfs-count-instructions-N.so
  std::string floor_init;  // cfs-floor-init
  std::vector<std::string> floor_modules{"virtio_pci", "virtio_blk", "ext4"};
  std::string root{};                   // the directory of which all disks were made; empty: no systemd in it
  std::vector<std::string> programs{};  // more, or directories of them, to name their functions in profiles
  std::string cpu{};                    // empty: as other machines have it
  std::string cmdline{};                // more words for the kernel
  std::vector<std::string> qemu{};      // more arguments for QEMU
  std::string end = "bench: end";       // what the console shows when a boot is complete
  std::string work;                     // a directory to write into
};

// Seconds from the start of QEMU.
struct Times {
  double early_service = 0;
  double multi_user_target = 0;
};

struct Measured {
  std::string name;
  std::uint64_t initrd_bytes = 0;
  std::vector<Counts> runs{};
  std::vector<Times> timed{};
  std::vector<Times> timed_on_slow_disk{};
};

struct Range {
  std::uint64_t minimum = 0;
  std::uint64_t median = 0;
  std::uint64_t maximum = 0;
};

// Instructions, or what else is counted, of the runs that have both stages; nullopt if none has.
[[nodiscard]] std::optional<Range> range(const Measured& measured, Stage from, Stage to,
                                         std::uint64_t StageCount::* figure = &StageCount::instructions);

// As fast as the host is, or as eMMC: 100 MB/s, 3,000 requests a second.
enum class DiskSpeed : std::uint8_t { full, slow };

class Bench {
 public:
  // Boots the kernel once, to ask where its functions are. Code::unsupported_input when QEMU's plugin API is
  // not the one that the plugin was written for; Code::not_found, Code::io_error.
  [[nodiscard]] static Result<Bench> open(const Setup& setup);

  // One boot. Code::io_error, with the console's last lines; Code::not_found, if that does not say
  // Contender::says.
  [[nodiscard]] Result<Counts> boot(const Contender& contender) const;

  // One boot to multi-user.target that nothing is counted of, by two processors, each emulated in a thread.
  [[nodiscard]] Result<Times> time_boot(const Contender& contender, DiskSpeed speed) const;

  // One more, slower, and where its instructions are; text for people.
  [[nodiscard]] Result<std::string> profile_boot(const Contender& contender,
                                                 const std::vector<Span>& spans) const;

  // One boot with bench.task on the kernel command line and a second disk, which it can write to.
  [[nodiscard]] Result<> task_boot(const Contender& contender, const std::string& disk) const;

  [[nodiscard]] const std::string& qemu_version() const noexcept { return qemu_version_; }

 private:
  explicit Bench(Setup setup) : setup_(std::move(setup)) {}
  [[nodiscard]] Result<> ask_kernel();

  // A machine with all but what counts.
  [[nodiscard]] Result<MachineOptions> machine(const Contender& contender) const;

  // With more for the plugin and the kernel, and a second disk.
  struct Extra {
    std::string plugin{};
    std::string cmdline{};
    std::string disk{};
  };
  [[nodiscard]] Result<Counts> boot(const Contender& contender, const Extra& extra) const;

  [[nodiscard]] Result<> wait_for_end(Machine& machine, const Contender& contender) const;

  Setup setup_;
  std::string qemu_version_;
  std::string plugin_;
  std::string places_;  // for the plugin: what ends the stages that have no marker
};

}  // namespace cfs::instructions
