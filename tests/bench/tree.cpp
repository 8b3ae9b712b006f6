// SPDX-License-Identifier: Apache-2.0
#include "tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cfs/base/fd.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs::bench {

namespace {

constexpr std::uint64_t files_per_directory = 500;
constexpr std::uint64_t size_max = 4000;
constexpr timespec times[2] = {{.tv_sec = 1700000000, .tv_nsec = 0}, {.tv_sec = 1700000000, .tv_nsec = 0}};

// Bytes that look random, without a library's generator that may change: SplitMix64.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t word = state_;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }

 private:
  std::uint64_t state_;
};

// Their sizes are spread evenly.
std::string contents(std::uint64_t number) {
  Noise noise(number);
  std::string bytes(noise.next() % (size_max + 1), '\0');
  for (std::size_t done = 0; done < bytes.size(); done += sizeof(std::uint64_t)) {
    const std::uint64_t word = noise.next();
    std::memcpy(&bytes[done], &word, std::min(sizeof word, bytes.size() - done));
  }
  return bytes;
}

Result<> make_directory(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 ? Result<>()
                                          : fail_errno(Code::io_error, cat("create ", printable(path)));
}

Result<> make_file(const std::string& path, std::uint64_t number) {
  const Fd file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
  if (!file) {
    return fail_errno(Code::io_error, cat("create ", printable(path)));
  }
  CFS_TRY_IN(write_all(file, contents(number)), printable(path));
  return ::futimens(file.get(), times) == 0 ? Result<>() : fail_errno(Code::io_error, "set the time");
}

Result<> set_time(const std::string& directory) {
  return ::utimensat(AT_FDCWD, directory.c_str(), times, 0) == 0
             ? Result<>()
             : fail_errno(Code::io_error, "set the time of a directory");
}

// The files with these numbers, in directories of files_per_directory.
Result<> make_files(const std::string& top, std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t start = first; start < end; start += files_per_directory) {
    const std::string directory = cat(top, "/d", start / files_per_directory);
    CFS_TRY(make_directory(directory));
    for (std::uint64_t number = start; number < std::min(start + files_per_directory, end); ++number) {
      CFS_TRY(make_file(cat(directory, "/file-", number), number));
    }
    CFS_TRY(set_time(directory));
  }
  return {};
}

}  // namespace

Result<> make_trees(std::string directory, std::span<const unsigned> sizes) {
  std::vector<std::string> tops;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    directory += cat('/', sizes[i]);
    CFS_TRY(make_directory(directory));
    CFS_TRY(make_files(directory, i + 1 < sizes.size() ? sizes[i + 1] : 0, sizes[i]));
    tops.push_back(directory);
  }
  for (const std::string& top : tops) {
    CFS_TRY(set_time(top));
  }
  return {};
}

}  // namespace cfs::bench
