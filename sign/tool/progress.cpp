// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/progress.hpp"

#include <unistd.h>

#include <algorithm>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_shown{1000};
constexpr milliseconds interval{200};
constexpr double least_share = 0.01;  // before that an estimate of the time is none
constexpr std::string_view clear_line = "\r\033[K";

// Tenths of a million, with the decimal point: "12.3".
std::string millions(std::uint64_t number) {
  return cat(number / 1'000'000, '.', number / 100'000 % 10);
}

// A file takes as long as so many bytes, even if it is empty.
double effort(const Work& work) {
  constexpr double bytes_per_file = 16384;
  return static_cast<double>(work.bytes) + bytes_per_file * static_cast<double>(work.files);
}

std::string bar(double share) {
  constexpr std::size_t width = 20;
  const auto full = static_cast<std::size_t>(share * width);
  return cat('[', std::string(full, '#'), std::string(width - full, '-'), ']');
}

// Nothing depends on the line: an error of the terminal is not worth stopping for.
void write_text(int fd, std::string_view text) {
  (void)!::write(fd, text.data(), text.size());
}

}  // namespace

std::string progress_line(std::string_view doing, const Work& done, const Work& all, milliseconds elapsed) {
  const auto seconds = static_cast<double>(std::max<std::int64_t>(elapsed.count(), 1)) / 1000;
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(done.bytes) / seconds);
  const std::string numbers =
      cat(done.files, " files, ", millions(done.bytes), " MB, ", millions(rate), " MB/s");
  if (effort(all) <= 0) {
    return cat(doing, ": ", numbers);
  }
  // Never more than all, however much came since that was counted.
  const double share = std::min(effort(done) / effort(all), 1.0);
  std::string line = cat(doing, ": ", bar(share), ' ', numbers);
  if (share >= least_share) {
    const double left = seconds / share - seconds;
    line += cat(", ", static_cast<std::uint64_t>(std::min(left + 0.5, 1e9)), " s left");
  }
  return line;
}

Progress::Progress(std::string doing, int terminal)
    : doing_(std::move(doing)), terminal_(::isatty(terminal) == 1 ? terminal : -1) {}

Progress::~Progress() {
  if (shown_ > milliseconds::zero()) {
    write_text(terminal_, clear_line);
  }
}

void Progress::expect(const Work& all) {
  all_files_ = all.files;
  all_bytes_ = all.bytes;
}

void Progress::count(std::uint64_t files, std::uint64_t bytes) {
  files_ += files;
  bytes_ += bytes;
  if (terminal_ < 0) {
    return;
  }
  const auto elapsed = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start_);
  const std::unique_lock lock(showing_, std::try_to_lock);  // one thread shows, the others go on
  if (lock && elapsed >= first_shown && elapsed - shown_ >= interval) {
    show(elapsed);
  }
}

void Progress::show(milliseconds elapsed) {
  shown_ = elapsed;
  write_text(terminal_,
             cat(clear_line, progress_line(doing_, {files_, bytes_}, {all_files_, all_bytes_}, elapsed)));
}

}  // namespace cfs
