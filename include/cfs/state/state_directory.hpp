// SPDX-License-Identifier: Apache-2.0
// The persistent state on its file system, which nobody verifies:
//
//   composefs-state/machine-id
//   composefs-state/var/                 the system's /var
//   composefs-state/etc/HEX.N/{upper,work}  what one image's /etc became: HEX is the image's digest, and the
//                                        image that booted last has the highest number N, at most 10^9
//   composefs-state/factory-reset        when it is there, the next boot begins anew
//   composefs-trash/                     what is being removed, whenever there is time
//
// Each directory appears complete or not at all, whenever the machine stops: it is made under a name with a
// leading dot, synced, and renamed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

inline constexpr std::string_view state_directory_name = "composefs-state";
inline constexpr std::string_view factory_reset_flag = "factory-reset";

// How many images' /etc are kept: the next, the current and the previous.
inline constexpr std::size_t etc_uppers_kept = 3;

// Where the upper layer of this boot's /etc came from.
enum class EtcUpper : std::uint8_t {
  none,     // /etc does not persist
  created,  // empty: no image had one before
  copied,   // from the image that booted last
  kept,     // this image had one already
};
[[nodiscard]] std::string_view name(EtcUpper upper) noexcept;

// All calls: Code::state_failed or what the step that failed says.
class StateDirectory {
 public:
  // Opens composefs-state/ on a writable file system, making it first where it is missing. A factory reset
  // that is due throws the old one away before.
  [[nodiscard]] static Result<StateDirectory> open(const Fd& file_system);

  [[nodiscard]] const Fd& fd() const noexcept { return state_; }
  [[nodiscard]] bool was_reset() const noexcept { return was_reset_; }

  struct Etc {
    Fd layers;  // with upper/ and work/
    EtcUpper upper = EtcUpper::none;
  };
  // The layers of an image's own /etc, so that going back to an image goes back to its /etc. An image that
  // has none gets a copy of those of the image that booted last: an update keeps local configuration. The
  // upper directory has the owner, mode and labels of `lower`, the image's /etc. `objects` as in CopyOptions.
  // The oldest past etc_uppers_kept are thrown away.
  [[nodiscard]] Result<Etc> etc(const Digest& image, const Fd& lower, const Fd& objects);

  // Makes var/, as a copy of `image_var` unless there is something in it already.
  [[nodiscard]] Result<> fill_var(const Fd& image_var);

  // Removes what was thrown away, for as long as `limit`; a later boot does the rest.
  void empty_trash(std::chrono::milliseconds limit);

 private:
  explicit StateDirectory(Fd trash) : trash_(std::move(trash)) {}
  [[nodiscard]] Result<> throw_away(const Fd& parent, std::string_view name);

  Fd trash_;
  Fd state_;
  bool was_reset_ = false;
};

}  // namespace cfs
