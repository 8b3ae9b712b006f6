#include "cfs/progress.hpp"

#include <unistd.h>

#include "cfs/text.hpp"

namespace cfs {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_shown{1000};
constexpr milliseconds interval{200};
constexpr std::string_view clear_line = "\r\033[K";

// Tenths of a million, with the decimal point: "12.3".
std::string millions(std::uint64_t number) {
  return cat(number / 1'000'000, '.', number / 100'000 % 10);
}

// Nothing depends on the line: an error of the terminal is not worth stopping for.
void write_text(int fd, std::string_view text) {
  (void)!::write(fd, text.data(), text.size());
}

}  // namespace

std::string progress_line(std::string_view doing, std::uint64_t files, std::uint64_t bytes,
                          milliseconds elapsed) {
  const auto ms = static_cast<std::uint64_t>(elapsed.count() > 0 ? elapsed.count() : 1);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(bytes) * 1000.0 / static_cast<double>(ms));
  return cat(doing, ": ", files, " files, ", millions(bytes), " MB, ", millions(rate), " MB/s");
}

Progress::Progress(std::string doing, int terminal)
    : doing_(std::move(doing)), terminal_(::isatty(terminal) == 1 ? terminal : -1) {}

Progress::~Progress() {
  if (shown_ > milliseconds::zero()) {
    write_text(terminal_, clear_line);
  }
}

void Progress::add(std::uint64_t bytes) {
  files_ += 1;
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
  write_text(terminal_, cat(clear_line, progress_line(doing_, files_.load(), bytes_.load(), elapsed)));
}

}  // namespace cfs
