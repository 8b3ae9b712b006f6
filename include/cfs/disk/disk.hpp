// SPDX-License-Identifier: Apache-2.0
// Disk images that hold a store, fs-verity enabled on every object of it, and a place for state.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/stores/store_contents.hpp"
#include "cfs/tool/progress.hpp"

namespace cfs {

// Labels of the file systems, and of the partitions that hold them.
inline constexpr std::string_view store_label = "composefs-store";
inline constexpr std::string_view state_label = "composefs-state";

inline constexpr std::uint64_t default_state_size = 256UL << 20;
// ext4 has no journal below.
inline constexpr std::uint64_t smallest_state_size = 8UL << 20;

struct DiskLayout {
  enum class Kind : std::uint8_t { gpt, raw };  // partitions, or nothing but the store's file system
  Kind kind = Kind::gpt;
  std::optional<std::uint64_t>
      size;  // of the image, in bytes; nullopt: as small as the store needs, and a little
  std::uint64_t state_size = default_state_size;  // in bytes; 0: no state partition; not looked at for raw
  std::uint32_t timestamp = 1;                    // of all files, in seconds since 1970; not 0
};

// A number of bytes: decimal, with K, M, G or T for powers of 1024. Code::usage.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

// Writes the image to `image`, an empty file, or a block device, open for reading and writing, and returns
// its size in bytes. Blocks of zeros become holes. The same store and layout give the same bytes, and on a
// device the partition table spans all of it; UUIDs follow from the store's identity(). GPT: the store's
// partition, then the state's, each of its own type and at multiples of partition_alignment. The store's file
// system holds the store as /composefs, the state's is empty; both belong to root. What the store's boot
// profiles name lies next to each other, in their order, and so do its inodes. Code::usage (a size that
// cannot be, or is too small: the message says what is needed), Code::object_damaged (its contents are not
// what its name promises), Code::input_changed, Code::path_refused, Code::io_error.
[[nodiscard]] Result<std::uint64_t> write_disk(const StoreContents& store, const Fd& image,
                                               const DiskLayout& layout, Progress& progress);

}  // namespace cfs
