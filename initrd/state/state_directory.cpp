// SPDX-License-Identifier: Apache-2.0
#include "cfs/state/state_directory.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cfs/base/directory_tree.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/base/words.hpp"
#include "cfs/mount/upper_layer.hpp"

namespace cfs {

namespace {

constexpr std::string_view trash_name = "composefs-trash";
constexpr std::string_view unfinished = ".new";  // a directory that is being made

bool exists(const Fd& parent, std::string_view name) {
  return ::faccessat(parent.get(), std::string(name).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<> rename(const Fd& parent, std::string_view from, const Fd& to_parent, std::string_view to) {
  if (::renameat(parent.get(), std::string(from).c_str(), to_parent.get(), std::string(to).c_str()) != 0) {
    return fail_errno(Code::state_failed, cat("rename ", printable(from), " to ", printable(to)));
  }
  return {};
}

// Gives a finished directory its name, after all that is in it is on the device.
Result<> publish(const Fd& parent, std::string_view name) {
  const Fd made = CFS_TRY(open_directory_beneath(parent, std::string(unfinished)));
  const Fd readable(::openat(made.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable || ::syncfs(readable.get()) != 0) {
    return fail_errno(Code::state_failed, cat("write ", printable(name), " to the device"));
  }
  return rename(parent, unfinished, parent, name);
}

// No device takes as many updates and rollbacks. A hostile disk may have a higher number, after which there
// would be none left for the next image.
constexpr std::uint32_t highest_upper_number = 1'000'000'000;

// HEX.N
struct UpperName {
  std::string hex;
  std::uint32_t number = 0;
  [[nodiscard]] std::string text() const { return cat(hex, '.', number); }
};

std::optional<UpperName> parse_upper_name(std::string_view text) {
  const auto dot = text.find('.');
  const auto hex = text.substr(0, dot);
  const auto bytes = from_hex(hex);
  const auto number =
      dot == std::string_view::npos ? std::nullopt : parse_decimal<std::uint32_t>(text.substr(dot + 1));
  if (!bytes || bytes->size() < digest_size(HashAlgorithm::sha256) || !number) {
    return std::nullopt;
  }
  UpperName name{.hex = std::string(hex), .number = *number};
  return name.text() == text ? std::optional(std::move(name)) : std::nullopt;  // not "HEX.01"
}

constexpr auto etc_upper_words = std::to_array<Word<EtcUpper>>({{EtcUpper::none, "none"},
                                                                {EtcUpper::created, "created"},
                                                                {EtcUpper::copied, "copied"},
                                                                {EtcUpper::kept, "kept"}});

}  // namespace

std::string_view name(EtcUpper upper) noexcept {
  return word_of(etc_upper_words, upper);
}

Result<StateDirectory> StateDirectory::open(const Fd& file_system) {
  StateDirectory result(CFS_TRY(make_directory(file_system, trash_name, 0700)));
  result.state_ = CFS_TRY(make_directory(file_system, state_directory_name, 0755));
  if (exists(result.state_, factory_reset_flag)) {
    // The flag goes with the rest: when this is interrupted, it has happened or is still to come.
    CFS_TRY_IN(result.throw_away(file_system, state_directory_name), "reset to factory state");
    result.state_ = CFS_TRY(make_directory(file_system, state_directory_name, 0755));
    result.was_reset_ = true;
  }
  return result;
}

Result<> StateDirectory::throw_away(const Fd& parent, std::string_view name) {
  std::array<unsigned char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) < 0) {  // of 256 bytes or fewer, it gives all or none
    return fail_errno(Code::state_failed, "make a random name");
  }
  return rename(parent, name, trash_, to_hex(random));
}

Result<StateDirectory::Etc> StateDirectory::etc(const Digest& image, const Fd& lower, const Fd& objects) {
  const Fd place = CFS_TRY(make_directory(state_, "etc", 0700));
  std::vector<UpperName> uppers;
  for (const std::string& name : CFS_TRY_IN(list_directory(place), "etc")) {
    const auto upper = parse_upper_name(name);
    if (name == unfinished || (upper && upper->number > highest_upper_number)) {
      CFS_TRY(throw_away(place, name));
    } else if (upper) {
      uppers.push_back(*upper);
    }
  }
  std::ranges::sort(uppers, std::greater{}, &UpperName::number);

  Etc result;
  UpperName own{.hex = image.hex(), .number = uppers.empty() ? 1 : uppers.front().number + 1};
  const auto found = std::ranges::find(uppers, own.hex, &UpperName::hex);
  if (found != uppers.end()) {
    result.upper = EtcUpper::kept;
    if (found == uppers.begin()) {
      own = *found;
    } else {
      CFS_TRY(rename(place, found->text(), place, own.text()));
      uppers.erase(found);
      uppers.insert(uppers.begin(), own);
    }
  } else {
    result.upper = uppers.empty() ? EtcUpper::created : EtcUpper::copied;
    if (!uppers.empty()) {
      const Fd layers = CFS_TRY(make_directory(place, unfinished, 0700));
      const Fd before = CFS_TRY(open_directory_beneath(place, cat(uppers.front().text(), "/upper")));
      CFS_TRY_IN(copy_tree(before, layers, "upper", {.objects = &objects}),
                 "copy the /etc of the last image");
    }
    CFS_TRY(make_upper(place, std::string(unfinished), lower));
    CFS_TRY(publish(place, own.text()));
    uppers.insert(uppers.begin(), own);
  }
  while (uppers.size() > etc_uppers_kept) {
    CFS_TRY(throw_away(place, uppers.back().text()));
    uppers.pop_back();
  }
  result.layers = CFS_TRY(open_directory_beneath(place, own.text()));
  return result;
}

Result<> StateDirectory::fill_var(const Fd& image_var) {
  if (exists(state_, unfinished)) {
    CFS_TRY(throw_away(state_, unfinished));
  }
  if (exists(state_, "var")) {
    const Fd var = CFS_TRY(open_directory_beneath(state_, "var"));
    if (!CFS_TRY_IN(list_directory(var), "var").empty()) {
      return {};
    }
  }
  CFS_TRY_IN(copy_tree(image_var, state_, std::string(unfinished)), "copy the image's /var");
  return publish(state_, "var");
}

void StateDirectory::empty_trash(std::chrono::milliseconds limit) {
  (void)remove_tree(trash_, std::chrono::steady_clock::now() + limit);
}

}  // namespace cfs
