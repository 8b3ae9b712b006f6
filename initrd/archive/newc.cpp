// SPDX-License-Identifier: Apache-2.0
#include "cfs/archive/newc.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view magic = "070701";
constexpr std::string_view trailer = "TRAILER!!!";
constexpr std::size_t field_digits = 8;
constexpr std::size_t field_count = 13;
constexpr std::size_t header_bytes = magic.size() + field_digits * field_count;
constexpr std::size_t alignment = 4;
// PATH_MAX, with the NULs that dracut-cpio puts behind a name so that the contents begin at a block of the
// disk.
constexpr std::size_t name_max_bytes = 4096;

enum Field : std::uint8_t {
  inode,
  mode,
  uid,
  gid,
  names,
  mtime,
  size,
  device_major,
  device_minor,
  rdev_major,
  rdev_minor,
  name_size,
  check,
};
using Header = std::array<std::uint32_t, field_count>;

std::optional<Header> parse_header(std::string_view text) {
  Header header{};
  for (std::uint32_t& value : header) {
    const std::string_view digits = text.substr(0, field_digits);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      return std::nullopt;
    }
    text.remove_prefix(field_digits);
  }
  return header;
}

bool all_zero(std::string_view bytes) noexcept {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// "./x" is x, "." is empty.
std::optional<std::string_view> plain_path(std::string_view name) {
  if (name == ".") {
    return std::string_view();
  }
  if (name.starts_with("./")) {
    name.remove_prefix(2);
  }
  const auto parts = split(name, '/');
  const bool plain = std::none_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
  return plain ? std::optional(name) : std::nullopt;
}

// Whether an entry of this type may have contents of this size.
bool fits_type(mode_t type, std::string_view contents) {
  switch (type) {
    case S_IFREG:
      return true;
    case S_IFLNK:
      return !contents.empty() && contents.size() <= link_target_max &&
             contents.find('\0') == std::string_view::npos;
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
      return contents.empty();
    default:
      return false;
  }
}

}  // namespace

Result<std::optional<NewcEntry>> NewcReader::next() {
  const auto malformed = [&](std::string_view what) {
    return fail(Code::archive_malformed, cat("at byte ", position_, " of the cpio archive: ", what));
  };
  std::size_t at = position_;
  // The next `length` bytes and the zeros that align what follows them; nullopt where there are not as many.
  const auto take = [&](std::size_t length) -> std::optional<std::string_view> {
    const std::size_t padding = (alignment - (at + length) % alignment) % alignment;
    if (length > bytes_.size() - at || padding > bytes_.size() - at - length ||
        !all_zero(bytes_.substr(at + length, padding))) {
      return std::nullopt;
    }
    const auto taken = bytes_.substr(at, length);
    at += length + padding;
    return taken;
  };

  if (at % alignment != 0 || bytes_.size() - at < header_bytes || bytes_.substr(at, magic.size()) != magic) {
    return malformed("no newc header");
  }
  const auto header = parse_header(bytes_.substr(at + magic.size()));
  if (!header) {
    return malformed("a header with a field that is no number");
  }
  const Header& field = *header;
  if (field[name_size] < 2 || field[name_size] > name_max_bytes) {
    return malformed("a name of impossible length");
  }
  const auto head = take(header_bytes + field[name_size]);
  if (!head) {
    return malformed("a name that is cut off");
  }
  const std::string_view padded_name = head->substr(header_bytes);
  const std::string_view name = padded_name.substr(0, padded_name.find('\0'));
  if (name.size() == padded_name.size() || !all_zero(padded_name.substr(name.size()))) {
    return malformed("a name that does not end");
  }
  const auto contents = take(field[size]);
  if (!contents) {
    return malformed(cat(printable(name), " is cut off"));
  }
  if (name == trailer) {
    if (!contents->empty()) {
      return malformed("a trailer with contents");
    }
    position_ = std::min(bytes_.find_first_not_of('\0', at), bytes_.size());
    return std::nullopt;
  }
  const auto path = plain_path(name);
  if (!path) {
    return malformed(cat("\"", printable(name), "\" is not a plain path"));
  }
  const mode_t type = field[mode] & S_IFMT;
  if ((field[mode] & ~static_cast<std::uint32_t>(S_IFMT | 07777)) != 0 || !fits_type(type, *contents) ||
      (path->empty() && type != S_IFDIR)) {
    return malformed(cat(printable(name), " is of a kind that an initramfs does not hold"));
  }
  position_ = at;
  return NewcEntry{
      .path = *path,
      .mode = field[mode],
      .uid = field[uid],
      .gid = field[gid],
      .names = field[names],
      .inode = {.number = field[inode],
                .device_major = field[device_major],
                .device_minor = field[device_minor]},
      .device = makedev(field[rdev_major], field[rdev_minor]),
      .contents = *contents,
  };
}

}  // namespace cfs
