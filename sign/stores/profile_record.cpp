// SPDX-License-Identifier: Apache-2.0
#include "cfs/stores/profile_record.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::uint64_t small_gap = 4;  // blocks

class Mapping {
 public:
  Mapping(const Fd& file, std::size_t size)
      : address_(::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0)), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (*this) {
      ::munmap(address_, size_);
    }
  }
  explicit operator bool() const noexcept { return address_ != MAP_FAILED; }
  [[nodiscard]] void* address() const noexcept { return address_; }

 private:
  void* address_;
  std::size_t size_;
};

// Adds blocks to ranges that end before them.
void add(std::vector<BootProfile::Range>& ranges, std::uint64_t first, std::uint64_t count) {
  if (!ranges.empty() && first <= std::uint64_t{ranges.back().first} + ranges.back().count + small_gap) {
    ranges.back().count = static_cast<std::uint32_t>(first + count - ranges.back().first);
  } else {
    ranges.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count)});
  }
}

Result<std::vector<BootProfile::Range>> blocks_in_memory(const Fd& store,
                                                         const StoreContents::Object& object) {
  std::vector<BootProfile::Range> ranges;
  if (object.size == 0) {
    return ranges;
  }
  const Fd file = CFS_TRY(open_file_beneath(store, object.path));
  const Mapping mapping(file, object.size);
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((object.size + page - 1) / page);
  if (!mapping || ::mincore(mapping.address(), object.size, pages.data()) != 0) {
    return fail_errno(Code::io_error, cat("see what of ", object.path, " is in memory"));
  }
  const std::uint64_t end = (object.size + boot_profile_block_size - 1) / boot_profile_block_size;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if ((pages[i] & 1) != 0) {
      const std::uint64_t first = i * page / boot_profile_block_size;
      add(ranges, first, std::min(page / boot_profile_block_size, end - first));
    }
  }
  return ranges;
}

}  // namespace

Result<BootProfile> record_profile(const StoreContents& store, const Digest& image,
                                   const BootProfile* earlier) {
  if (earlier != nullptr && earlier->image != image) {
    return fail(Code::profile_malformed,
                cat("the earlier profile is that of another image, ", earlier->image.text()));
  }
  std::map<Digest, std::vector<BootProfile::Range>> read;
  for (const StoreContents::Object& object : store.objects) {
    if (auto ranges = CFS_TRY(blocks_in_memory(store.directory, object)); !ranges.empty()) {
      read.emplace(object.digest, std::move(ranges));
    }
  }
  BootProfile profile{.image = image, .objects = {}};
  const auto take = [&](const Digest& digest) {
    if (auto found = read.extract(digest); !found.empty()) {
      profile.objects.push_back({digest, std::move(found.mapped())});
    }
  };
  take(image);
  if (earlier != nullptr) {
    for (const BootProfile::Object& object : earlier->objects) {
      take(object.digest);
    }
  }
  while (!read.empty()) {
    take(Digest(read.begin()->first));
  }
  return profile;
}

}  // namespace cfs
