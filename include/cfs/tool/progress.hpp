// SPDX-License-Identifier: Apache-2.0
// One line on a terminal that shows how far long work has come. Where standard error is no terminal, and for
// work of less than a second, it shows nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace cfs {

struct Work {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// "composing: [#####-----] 1234 files, 56.7 MB, 89.0 MB/s, 12 s left"; megabytes of 1,000,000 bytes. Without
// the bar and the time while nobody knows how much there is in all (`all` is empty), and without the time
// until a hundredth is done: a guess from less is none.
[[nodiscard]] std::string progress_line(std::string_view doing, const Work& done, const Work& all,
                                        std::chrono::milliseconds elapsed);

class Progress {
 public:
  // `doing` begins the line: "composing". The line goes to the descriptor, which stays the caller's.
  explicit Progress(std::string doing, int terminal = 2);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // removes the line

  // Whether anybody looks.
  [[nodiscard]] bool visible() const noexcept { return terminal_ >= 0; }

  // That there is this much to do. May come at any time, from any thread.
  void expect(const Work& all);

  // One more file is done, the last `bytes` bytes of which were not counted yet. For any number of threads.
  void add(std::uint64_t bytes) { count(1, bytes); }

  // So many bytes of a file are done that goes on. For any number of threads.
  void add_part(std::uint64_t bytes) { count(0, bytes); }

 private:
  void count(std::uint64_t files, std::uint64_t bytes);
  void show(std::chrono::milliseconds elapsed);

  std::string doing_;
  int terminal_;  // -1: none
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> files_ = 0;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> all_files_ = 0;
  std::atomic<std::uint64_t> all_bytes_ = 0;
  std::mutex showing_;
  std::chrono::milliseconds shown_{0};  // when the line was last written; 0: never
};

}  // namespace cfs
