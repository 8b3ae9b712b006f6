// SPDX-License-Identifier: Apache-2.0
// The doors of the running system: ways by which systemd, or another init, takes code or configuration from
// outside the verified root. All are closed, unless the policy's table [doors] opens them, by name.
//
// Where there is a choice, a door is closed by what ranks above /etc, which may be hostile state: masks of
// units in /run/systemd/system.control (systemd.unit(5); only /etc/systemd/system.control ranks above), masks
// of generators in /run/systemd/system-generators (systemd.generator(7); nothing ranks above). What reads the
// kernel command line gets a word in the filtered copy of it (visible_cmdline.hpp).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

struct Door {
  using Names = std::span<const std::string_view>;
  struct Masks {
    Names units{};
    Names generators{};
  };

  bool Policy::Doors::* open;    // what the policy says
  std::string_view what;         // for people: what comes in by it
  std::string_view versions;     // for people: what knows it, of systemd 252, 257 and 262
  Masks masks{};                 // of what is started outside of an initrd
  Masks initrd_masks{};          // of what is started in an initrd alone
  Names words{};                 // added to the command line that user space sees
  Names environment{};           // NAME=VALUE, added to what the init program is given
  Names boot_files{};            // of /.extra in an initrd, removed
  std::string_view blocked{};    // a directory of /run/systemd: an empty file takes its place
  std::string_view otherwise{};  // for people: closed elsewhere in this program, and how

  // In the policy's table [doors].
  [[nodiscard]] constexpr std::string_view key() const noexcept { return word_of(door_words, open); }
};

// All of them, in the order of the manual page.
[[nodiscard]] std::span<const Door> all_doors() noexcept;

// The keys of those that are open.
[[nodiscard]] std::vector<std::string> open_doors(const Policy::Doors& policy);

// Makes below ROOT/run/systemd the masks of these doors, and takes away those of the open ones. What is in
// their place is replaced, so that it can be repeated on a system whose root user changed it. The first
// also sees to what is blocked. Code::door_open if that is not possible: a directory on the way is a link or
// a mount, or a name is taken by what cannot be removed.
[[nodiscard]] Result<> write_masks(const Policy::Doors& policy, const std::string& root);
[[nodiscard]] Result<> write_initrd_masks(const Policy::Doors& policy, const std::string& root);

// Removes from ROOT/.extra, where the EFI stub of systemd puts what it found beside itself, all but what the
// kernel image itself carries (signatures of PCR policies, os-release, profile) and what an open door lets
// in. Code::door_open.
[[nodiscard]] Result<> remove_boot_files(const Policy::Doors& policy, const std::string& root);

// Whether what closes `door` is in place in the running system whose root directory is `root`, and nothing
// overrules it; `visible_cmdline` is what it reads as the kernel command line. Code::door_open with the first
// thing that is missing.
[[nodiscard]] Result<> check_door(const Door& door, const std::string& root,
                                  std::string_view visible_cmdline);

// The environment for the init program that is executed next: what the kernel gave (`given`) if the policy
// trusts the command line that it comes from, else HOME and TERM alone; and what closes doors.
[[nodiscard]] std::vector<std::string> init_environment(const Policy& policy,
                                                        const std::vector<std::string>& given = {});

// Closes the doors of an initrd with an init of its own, and of the root that this enters later:
// remove_boot_files(), write_initrd_masks(), close_root_doors().
[[nodiscard]] Result<> close_doors(Kernel& kernel, const Policy& policy, const std::string& real_cmdline);

// Closes the doors of the root that is entered next: write_masks(), and the filtered copy of the command
// line, of which `real_cmdline` is the original. Also for a soft reboot: what the system that ends may have
// changed is put right. Whoever was root there can have done more than that; see composefs-root(8). Needs
// /proc, /dev and /run. Code::door_open: the root must not be entered.
[[nodiscard]] Result<> close_root_doors(Kernel& kernel, const Policy& policy,
                                        const std::string& real_cmdline);

}  // namespace cfs
