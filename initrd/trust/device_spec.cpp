// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/device_spec.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "cfs/base/text.hpp"
#include "cfs/trust/cmdline.hpp"

namespace cfs {

namespace {

struct Tag {
  std::string_view prefix;
  std::string_view links;  // where udev has links of this kind
  DeviceSpec::By by;
};

constexpr std::array<Tag, 4> tags{{{"UUID=", "/dev/disk/by-uuid/", DeviceSpec::By::uuid},
                                   {"LABEL=", "/dev/disk/by-label/", DeviceSpec::By::label},
                                   {"PARTUUID=", "/dev/disk/by-partuuid/", DeviceSpec::By::partuuid},
                                   {"PARTLABEL=", "/dev/disk/by-partlabel/", DeviceSpec::By::partlabel}}};

// The longest of the tags is a GPT partition's name: 36 UTF-16 units, so at most 108 bytes of UTF-8.
constexpr std::size_t longest_tag = 108;

// Volume ids and partition ids: hexadecimal digits in groups.
bool is_uuid(std::string_view text) noexcept {
  return text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
}

// /dev/NAME…, without "." or ".." or an empty component.
bool is_device_path(std::string_view path) noexcept {
  constexpr std::string_view dev = "/dev/";
  if (!path.starts_with(dev)) {
    return false;
  }
  const auto components = split(path.substr(dev.size()), '/');
  return std::all_of(components.begin(), components.end(), [](std::string_view component) {
    return !component.empty() && component != "." && component != "..";
  });
}

// A tag as udev writes it into the name of a link, with \xNN for what is not plain. nullopt for what udev
// does not write.
std::optional<std::string> decode_link(std::string_view name) {
  std::string tag;
  while (!name.empty()) {
    if (name.front() == '/') {
      return std::nullopt;
    }
    if (name.front() != '\\') {
      tag += name.front();
      name.remove_prefix(1);
      continue;
    }
    constexpr std::size_t escape_size = 4;
    const auto byte = name.starts_with("\\x") ? from_hex(name.substr(2, 2)) : std::nullopt;
    if (!byte || byte->size() != 1) {
      return std::nullopt;
    }
    tag += static_cast<char>(byte->front());
    name.remove_prefix(escape_size);
  }
  return tag;
}

}  // namespace

Result<DeviceSpec> DeviceSpec::parse(std::string_view text) {
  for (const Tag& tag : tags) {
    std::optional<std::string> value;
    if (text.starts_with(tag.prefix)) {
      value = text.substr(tag.prefix.size());
    } else if (text.starts_with(tag.links)) {
      value = decode_link(text.substr(tag.links.size()));
    } else {
      continue;
    }
    const bool is_id = tag.by == By::uuid || tag.by == By::partuuid;
    if (!value || value->empty() || value->size() > longest_tag || (is_id && !is_uuid(*value)) ||
        value->find('\0') != std::string::npos) {
      return fail(Code::unsupported_input, cat("\"", printable(text), "\" does not name a device: its ",
                                               tag.prefix.substr(0, tag.prefix.size() - 1), " is invalid"));
    }
    return DeviceSpec{tag.by, *std::move(value)};
  }
  if (text.size() < 4096 && is_plain_word(text) && is_device_path(text)) {
    return DeviceSpec{By::path, std::string(text)};
  }
  return fail(Code::unsupported_input,
              cat("\"", printable(text),
                  "\" does not name a device as UUID=, LABEL=, PARTUUID=, PARTLABEL= or a path below /dev"));
}

std::string DeviceSpec::text() const {
  for (const Tag& tag : tags) {
    if (tag.by == by) {
      return cat(tag.prefix, value);
    }
  }
  return value;
}

}  // namespace cfs
