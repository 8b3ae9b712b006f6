// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

void write_to(const char* device, std::string_view text) {
  const Fd file(::open(device, O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (file) {
    (void)write_all(file, text);  // there is nowhere left to complain to
  }
}

// Whether the kernel itself prints messages of this level on the console.
bool kernel_prints(LogLevel level) {
  const auto levels = read_file("/proc/sys/kernel/printk", 256);
  const auto console = levels ? parse_decimal<unsigned>(split(*levels, '\t').front()) : std::nullopt;
  return console && static_cast<unsigned>(level) < *console;
}

}  // namespace

std::string log_text(std::string_view program, std::string_view line) {
  constexpr std::size_t longest = 900;  // the kernel's limit for one record is about 1000 bytes
  return cat(program, ": ", line.substr(0, longest), '\n');
}

void log_to_kernel(LogLevel level, std::string_view text) {
  write_to("/dev/kmsg", cat('<', static_cast<unsigned>(level), '>', text));
}

void log(LogLevel level, std::string_view line) {
  const std::string text = log_text("composefs-root", line);
  log_to_kernel(level, text);
  if (level == LogLevel::error && !kernel_prints(level)) {
    write_to("/dev/console", text);
  }
}

}  // namespace cfs
