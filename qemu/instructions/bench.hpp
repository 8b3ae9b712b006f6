// Boots contenders and counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "counts.hpp"
#include "profile.hpp"

namespace cfs::instructions {

struct Contender {
  std::string name;    // "a"
  std::string initrd;  // made from floor_init if there is no such file
  std::string disk;
};

struct Setup {
  std::string kernel;
  std::string modules;                // ROOTFS/lib/modules/KVER
  std::string plugin;                 // cfs-count-instructions.so
  std::string floor_init;             // cfs-floor-init
  std::string root;                   // the directory of which all disks were made
  std::vector<std::string> programs;  // of initrds, to name their functions in profiles
  std::string cpu;                    // empty: as other machines have it
  std::string work;                   // a directory to write into
};

struct Measured {
  std::string name;
  std::uint64_t initrd_bytes = 0;
  std::vector<Counts> runs;
};

struct Range {
  std::uint64_t minimum = 0;
  std::uint64_t median = 0;
  std::uint64_t maximum = 0;
};

// Of the runs that have both stages; nothing if none has.
[[nodiscard]] std::optional<Range> range(const Measured& measured, Stage from, Stage to);

class Bench {
 public:
  // Boots the kernel once, to ask where its functions are. Code::unsupported_input when QEMU's plugin API is
  // not the one that the plugin was written for; Code::not_found, Code::io_error.
  [[nodiscard]] static Result<Bench> open(const Setup& setup);

  // One boot to multi-user.target. Code::io_error, with the console's last lines.
  [[nodiscard]] Result<Counts> boot(const Contender& contender) const;

  // One more, slower, and where its instructions are; text for people.
  [[nodiscard]] Result<std::string> profile_boot(const Contender& contender,
                                                 const std::vector<Span>& spans) const;

  [[nodiscard]] const std::string& qemu_version() const noexcept { return qemu_version_; }

 private:
  explicit Bench(Setup setup) : setup_(std::move(setup)) {}
  [[nodiscard]] Result<> ask_kernel();

  // With more for the plugin, and a second disk.
  struct Extra {
    std::string plugin{};
    std::string disk{};
  };
  [[nodiscard]] Result<Counts> boot(const Contender& contender, const Extra& extra) const;

  Setup setup_;
  std::string qemu_version_;
  std::string places_;  // for the plugin: what ends the stages that have no marker
};

}  // namespace cfs::instructions
