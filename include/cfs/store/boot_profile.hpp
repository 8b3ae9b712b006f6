// SPDX-License-Identifier: Apache-2.0
// A boot profile: what booting an image reads from the objects of its store, so that the next boot can ask
// for it before it is needed. It is a hint from a hostile disk: it names nothing but objects, by their
// digests, and what is read of them is verified like any other read.
//
//   composefs-root boot profile 1
//   image sha256:<hex>
//   sha256:<hex> FIRST+COUNT FIRST+COUNT…
//
// One line for each object, in the order in which to read them, with the blocks that are read of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/digest.hpp"
#include "cfs/base/result.hpp"

namespace cfs {

inline constexpr std::size_t boot_profile_max_bytes = 1024UL * 1024;
inline constexpr std::uint64_t boot_profile_block_size = 4096;

struct BootProfile {
  struct Range {  // of blocks
    std::uint32_t first = 0;
    std::uint32_t count = 0;

    friend bool operator==(const Range&, const Range&) noexcept = default;
  };
  struct Object {
    Digest digest;
    std::vector<Range> ranges;

    friend bool operator==(const Object&, const Object&) noexcept = default;
  };
  Digest image;
  std::vector<Object> objects;

  friend bool operator==(const BootProfile&, const BootProfile&) noexcept = default;
};

// Each profile has one text: ranges in order with a gap between them, no object twice, nothing else.
// Code::profile_malformed.
[[nodiscard]] Result<BootProfile> parse_boot_profile(std::string_view text);
[[nodiscard]] std::string format_boot_profile(const BootProfile& profile);

// Reads and parses a profile that the user names. Also the codes of read_file().
[[nodiscard]] Result<BootProfile> read_boot_profile(const std::string& path);

}  // namespace cfs
