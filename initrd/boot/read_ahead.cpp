// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/read_ahead.hpp"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "cfs/base/file.hpp"
#include "cfs/base/log.hpp"
#include "cfs/base/text.hpp"
#include "cfs/store/boot_profile.hpp"

namespace cfs {

namespace {

constexpr unsigned longest_seconds = 60;

// Opening an object waits for its inode and its fs-verity descriptor: a device that takes several requests at
// once shall have several.
constexpr std::size_t processes = 4;

constexpr std::uint64_t default_piece = 128UL * 1024;
constexpr std::uint64_t sector_size = 512;

// Bytes that the kernel reads for one call: the largest request of the device, or the usual read-ahead; it
// passes over what is asked for beyond.
std::uint64_t longest_piece(const Fd& device) {
  unsigned short sectors = 0;
  if (::ioctl(device.get(), BLKSECTGET, &sectors) != 0) {
    return default_piece;
  }
  return std::max(default_piece, sectors * sector_size / boot_profile_block_size * boot_profile_block_size);
}

void ask_for(const Fd& file, std::uint64_t position, std::uint64_t length, std::uint64_t piece) {
  for (; length > 0; position += piece) {
    const std::uint64_t now = std::min(length, piece);
    (void)::posix_fadvise(file.get(), static_cast<off_t>(position), static_cast<off_t>(now),
                          POSIX_FADV_WILLNEED);
    length -= now;
  }
}

struct Extent {
  std::uint64_t position;  // on the device
  std::uint64_t length;
};

// Where the blocks of a directory lie; none if that is not known.
std::vector<Extent> extents_of(const Fd& objects, const std::string& name) {
  constexpr unsigned most = 4;
  const auto directory = open_directory_beneath(objects, name);
  const Fd readable(directory ? ::openat(directory->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
  // A fiemap ends in a flexible array: the extents follow the header in one buffer.
  alignas(fiemap) std::array<unsigned char, sizeof(fiemap) + most * sizeof(fiemap_extent)> map{};
  fiemap head{};
  head.fm_length = FIEMAP_MAX_OFFSET;
  head.fm_extent_count = most;
  std::memcpy(map.data(), &head, sizeof head);
  std::vector<Extent> found;
  if (readable && ::ioctl(readable.get(), FS_IOC_FIEMAP, map.data()) == 0) {
    std::memcpy(&head, map.data(), sizeof head);
    for (std::size_t i = 0; i < std::min(head.fm_mapped_extents, most); ++i) {
      fiemap_extent extent{};
      std::memcpy(&extent, map.data() + sizeof head + i * sizeof extent, sizeof extent);
      found.push_back({extent.fe_physical, extent.fe_length});
    }
  }
  return found;
}

// ext4 reads a directory block by block, through the page cache of its device: there they can be read in one
// request, for a disk that cfs-sign made has them next to each other.
void read_directories(const Store& store, const BootProfile& profile, const Fd& device, std::uint64_t piece) {
  constexpr std::uint64_t small_gap = 64UL * 1024;
  struct statfs status{};
  const auto objects = store.objects();
  if (!objects || ::fstatfs(store.directory().get(), &status) != 0 || status.f_type != EXT4_SUPER_MAGIC) {
    return;
  }
  std::set<std::string> names;
  for (const BootProfile::Object& object : profile.objects) {
    names.insert(object.digest.hex().substr(0, 2));
  }
  std::vector<Extent> extents;
  for (const std::string& name : names) {
    const auto found = extents_of(*objects, name);
    extents.insert(extents.end(), found.begin(), found.end());
  }
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.position < b.position; });
  for (std::size_t i = 0; i < extents.size();) {
    const std::uint64_t begin = extents[i].position;
    std::uint64_t end = begin;
    for (; i < extents.size() && extents[i].position <= end + small_gap; ++i) {
      end = std::max(end, extents[i].position + extents[i].length);
    }
    ask_for(device, begin, end - begin, piece);
  }
}

// Has the kernel read pieces of files, and does not wait for them. Those that are submitted together and lie
// next to each other on the device become one request, whatever files they are of: io_submit(2) plugs the
// queue. A read that may not wait (RWF_NOWAIT) starts the reading, and fails.
class Batch {
 public:
  explicit Batch(std::uint64_t piece) : piece_(piece), scratch_(piece, '\0') {
    if (::syscall(SYS_io_setup, most, &context_) != 0) {
      context_ = 0;
    }
  }

  void add(const Fd& file, std::uint64_t position, std::uint64_t length) {
    if (context_ == 0) {
      ask_for(file, position, length, piece_);
      return;
    }
    for (; length > 0; position += piece_) {
      const std::uint64_t now = std::min(length, piece_);
      iocb read{};
      read.aio_lio_opcode = IOCB_CMD_PREAD;
      read.aio_rw_flags = RWF_NOWAIT;
      read.aio_fildes = static_cast<std::uint32_t>(file.get());
      read.aio_buf = reinterpret_cast<std::uintptr_t>(scratch_.data());
      read.aio_offset = static_cast<std::int64_t>(position);
      read.aio_nbytes = now;
      reads_.push_back(read);
      length -= now;
    }
  }

  void submit() {
    for (std::size_t done = 0; done < reads_.size();) {
      std::array<iocb*, most> now{};
      const std::size_t count = std::min(reads_.size() - done, most);
      for (std::size_t i = 0; i < count; ++i) {
        now[i] = &reads_[done + i];
      }
      const long taken = ::syscall(SYS_io_submit, context_, count, now.data());
      if (taken <= 0) {
        break;
      }
      std::array<io_event, most> events{};
      timespec at_once{};
      (void)::syscall(SYS_io_getevents, context_, 0, events.size(), events.data(), &at_once);
      done += static_cast<std::size_t>(taken);
    }
    reads_.clear();
  }

 private:
  static constexpr std::size_t most = 64;
  std::uint64_t piece_;
  std::string scratch_;  // for what is in memory already
  aio_context_t context_ = 0;
  std::vector<iocb> reads_;
};

// The objects that fall to one of the processes: groups of them that lie next to each other.
void read_objects(const Store& store, const BootProfile& profile, std::size_t process, std::uint64_t piece) {
  constexpr std::size_t group = 32;
  struct sysinfo memory{};
  (void)::sysinfo(&memory);
  std::uint64_t left = std::uint64_t{memory.totalram} * memory.mem_unit / 4 / processes;
  Batch batch(piece);
  for (std::size_t begin = process * group; begin < profile.objects.size(); begin += processes * group) {
    std::vector<Fd> files;
    for (std::size_t i = begin; i < std::min(begin + group, profile.objects.size()); ++i) {
      auto file = store.object(profile.objects[i].digest);
      if (!file) {
        continue;  // it is for whoever needs it to say so
      }
      // Exactly what is asked for, and no more.
      (void)::posix_fadvise(file->get(), 0, 0, POSIX_FADV_RANDOM);
      for (const BootProfile::Range& range : profile.objects[i].ranges) {
        const std::uint64_t length = range.count * boot_profile_block_size;
        if (length > left) {
          return;
        }
        left -= length;
        batch.add(*file, range.first * boot_profile_block_size, length);
      }
      files.push_back(std::move(*file));
    }
    batch.submit();
  }
}

Result<> read_ahead(const Store& store, const Fd& file, const Digest& image, const std::string& device_path) {
  const BootProfile profile = CFS_TRY(parse_boot_profile(CFS_TRY(read_all(file, boot_profile_max_bytes))));
  if (profile.image != image) {
    return fail(Code::profile_malformed, cat("it is the profile of another image, ", profile.image.text()));
  }
  const Fd device(::open(device_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  const std::uint64_t piece = longest_piece(device);
  read_directories(store, profile, device, piece);
  std::size_t number = 0;
  while (number + 1 < processes && ::fork() == 0) {
    (void)::alarm(longest_seconds);  // a child has none of its parent's
    ++number;
  }
  read_objects(store, profile, number, piece);
  return {};
}

// What the process does not need must not be held open by it: a watchdog, mounts, the streams of a service.
void close_all_but(const Fd& one, const Fd& other) {
  const auto low = static_cast<unsigned>(std::min(one.get(), other.get()));
  const auto high = static_cast<unsigned>(std::max(one.get(), other.get()));
  if (low > 0) {
    (void)::close_range(0, low - 1, 0);
  }
  if (low + 1 < high) {
    (void)::close_range(low + 1, high - 1, 0);
  }
  (void)::close_range(high + 1, ~0U, 0);
}

}  // namespace

bool start_read_ahead(const Store& store, const Digest& image, const std::string& device) {
  const auto file = store.profile(image);
  if (!file) {
    return false;
  }
  const pid_t process = ::fork();
  if (process == 0) {
    (void)::alarm(longest_seconds);
    close_all_but(*file, store.directory());
    const auto read = read_ahead(store, *file, image, device);
    if (!read) {
      log(LogLevel::info, cat("nothing is read ahead: ", read.error().line()));
    }
    ::_exit(0);
  }
  return process > 0;
}

}  // namespace cfs
