// SPDX-License-Identifier: Apache-2.0
#include "cfs/device/partition.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "cfs/base/file.hpp"
#include "cfs/base/little_endian.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

using namespace std::string_view_literals;

std::optional<std::string> read(const Fd& disk, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  if (!read_exactly(disk, offset, bytes)) {
    return std::nullopt;
  }
  return bytes;
}

// The first three fields of a GUID are little-endian, where a UUID's text has the most significant byte
// first.
std::string guid_text(std::string bytes) {
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
  return uuid_text(bytes);
}

PartitionTags read_gpt_entry(const Fd& disk, std::uint32_t sector_size, PartitionPlace place,
                             std::string_view header) {
  constexpr std::uint64_t most_sectors = 1ULL << 48;  // beyond any disk, and no product overflows
  constexpr std::uint32_t largest_entry = 4096;
  constexpr std::uint32_t smallest_entry = 128;
  const auto entries = little_endian<std::uint64_t>(header, 72);
  const auto count = little_endian<std::uint32_t>(header, 80);
  const auto entry_size = little_endian<std::uint32_t>(header, 84);
  if (entries > most_sectors || place.number > count || entry_size < smallest_entry ||
      entry_size > largest_entry) {
    return {};
  }
  const std::uint64_t offset = entries * sector_size + (place.number - 1ULL) * entry_size;
  const auto entry = read(disk, offset, smallest_entry);
  if (!entry || little_endian<std::uint64_t>(*entry, 32) != place.start / sector_size) {
    return {};
  }
  return {.uuid = guid_text(entry->substr(16, 16)),
          .label = std::string(trim_end(from_utf16(std::string_view(*entry).substr(56, 72))))};
}

PartitionTags read_mbr_entry(std::uint32_t sector_size, PartitionPlace place, std::string_view sector) {
  constexpr std::uint32_t primary_partitions = 4;
  const auto disk = little_endian<std::uint32_t>(sector, 440);
  if (disk == 0 || sector.substr(510) != "\x55\xAA"sv) {
    return {};
  }
  // Those in an extended partition are numbered by the chain that lies there, which the kernel has walked.
  if (place.number <= primary_partitions &&
      little_endian<std::uint32_t>(sector, 446 + 16UL * (place.number - 1) + 8) !=
          place.start / sector_size) {
    return {};
  }
  const auto byte = [](std::uint32_t number, unsigned shift) {
    return static_cast<unsigned char>(number >> shift);
  };
  const std::array disk_bytes{byte(disk, 24), byte(disk, 16), byte(disk, 8), byte(disk, 0)};
  const std::array number_bytes{byte(place.number, 0)};
  return {.uuid = cat(to_hex(disk_bytes), '-', to_hex(number_bytes)), .label = {}};
}

}  // namespace

PartitionTags read_partition(const Fd& disk, std::uint32_t sector_size, PartitionPlace place) {
  constexpr std::uint32_t smallest_sector = 512;
  if (sector_size < smallest_sector || place.number == 0 || place.start % sector_size != 0) {
    return {};
  }
  const auto header = read(disk, sector_size, 92);
  if (header && header->starts_with("EFI PART")) {
    return read_gpt_entry(disk, sector_size, place, *header);
  }
  const auto sector = read(disk, 0, smallest_sector);
  return sector ? read_mbr_entry(sector_size, place, *sector) : PartitionTags();
}

}  // namespace cfs
