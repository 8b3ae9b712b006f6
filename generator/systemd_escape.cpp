// SPDX-License-Identifier: Apache-2.0
#include "cfs/generator/systemd_escape.hpp"

#include <algorithm>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t longest_unit_name = 255;  // UNIT_NAME_MAX without the final NUL

bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// "\xNN", in unit names as in udev's links.
void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += "\\x";
  out += to_hex({&byte, 1});
}

// A tag as udev writes it into the name of a link.
std::string encode_tag(std::string_view tag) {
  constexpr std::string_view kept = "#+-.:=@_";
  std::string out;
  for (const char c : tag) {
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    if (!ascii || is_alphanumeric(c) || kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), to_lower);
  return text;
}

}  // namespace

std::string device_node(const DeviceSpec& device) {
  switch (device.by) {
    case DeviceSpec::By::path:
      break;
    case DeviceSpec::By::uuid:
      return cat("/dev/disk/by-uuid/", lower(device.value));
    case DeviceSpec::By::label:
      return cat("/dev/disk/by-label/", encode_tag(device.value));
    case DeviceSpec::By::partuuid:
      return cat("/dev/disk/by-partuuid/", lower(device.value));
    case DeviceSpec::By::partlabel:
      return cat("/dev/disk/by-partlabel/", encode_tag(device.value));
  }
  return device.value;
}

Result<std::string> unit_name(std::string_view path, std::string_view suffix) {
  constexpr std::string_view kept = ":_.";
  const std::string_view text = path.substr(1);
  std::string name;
  for (const char c : text) {
    if (c == '/') {
      name += '-';
    } else if (is_alphanumeric(c) ||
               (kept.find(c) != std::string_view::npos && !(c == '.' && name.empty()))) {
      name += c;
    } else {
      append_escaped(name, c);
    }
  }
  name += '.';
  name += suffix;
  if (name.size() > longest_unit_name) {
    return fail(Code::unsupported_input, cat(printable(path), ": the name of its unit would be longer than ",
                                             longest_unit_name, " bytes"));
  }
  return name;
}

Result<std::string> unit_value(std::string_view text) {
  const bool has_control =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  // systemd drops blanks at the end of a line, and takes a backslash there for a line that goes on.
  if (has_control || text.ends_with(' ') || text.ends_with('\\')) {
    return fail(Code::unsupported_input, cat("\"", printable(text), "\" cannot be written into a unit file"));
  }
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '%') {
      out += c;
    }
  }
  return out;
}

}  // namespace cfs
