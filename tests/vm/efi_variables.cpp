// SPDX-License-Identifier: Apache-2.0
#include "efi_variables.hpp"

#include <cstdint>
#include <stdexcept>

#include "qemu/command.hpp"
#include "workshop.hpp"

namespace cfs::test {

namespace {

using namespace std::string_literals;

constexpr auto systemd_guid = "8cf2644b-4b0b-428f-9387-6d876050dc67";
// The same as it is stored: its first three numbers are in little-endian order.
const std::string systemd_guid_bytes = "\x4b\x64\xf2\x8c\x0b\x4b\x8f\x42\x93\x87\x6d\x87\x60\x50\xdc\x67"s;

template <class Number>
std::string little_endian_bytes(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes += static_cast<char>((number >> (8 * i)) & 0xFF);
  }
  return bytes;
}

// With the zero that ends it.
std::string utf16(std::string_view ascii) {
  std::string bytes;
  for (const char c : ascii) {
    bytes += {c, '\0'};
  }
  return bytes + "\0\0"s;
}

std::string record(const EfiVariable& variable) {
  constexpr std::uint16_t start = 0x55AA;
  constexpr std::uint16_t added = 0x3F;
  constexpr std::uint32_t attributes = 0x7;  // kept, and there before and after the loader has ended
  constexpr std::size_t no_signer = 28;      // a counter, a time and a key
  const std::string name = utf16(variable.name);
  const std::string text = utf16(variable.text);
  std::string bytes =
      little_endian_bytes(start) + little_endian_bytes(added) + little_endian_bytes(attributes) +
      std::string(no_signer, '\0') + little_endian_bytes(static_cast<std::uint32_t>(name.size())) +
      little_endian_bytes(static_cast<std::uint32_t>(text.size())) + systemd_guid_bytes + name + text;
  constexpr std::size_t alignment = 4;
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\xFF');
  return bytes;
}

}  // namespace

std::string efivarfs_name(std::string_view name) {
  return std::string(name) + '-' + systemd_guid;
}

void make_efi_variables(const std::filesystem::path& file, const std::vector<EfiVariable>& variables) {
  std::string flash = read_bytes(unset_efi_variables());
  constexpr std::size_t first = 0x64;  // after the headers of the volume and of the store
  if (flash.compare(0x28, 4, "_FVH") != 0 || flash.compare(first, 4, "\xFF\xFF\xFF\xFF") != 0) {
    throw std::runtime_error(unset_efi_variables() + ": not firmware variables without any");
  }
  std::string records;
  for (const EfiVariable& variable : variables) {
    records += record(variable);
  }
  write(file, flash.replace(first, records.size(), records));
}

}  // namespace cfs::test
