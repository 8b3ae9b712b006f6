// SPDX-License-Identifier: Apache-2.0
// One line to where people look when a machine does not start: the kernel log and the console.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cfs {

enum class LogLevel : std::uint8_t { error = 3, info = 6 };  // as syslog(3) numbers them

// "PROGRAM: LINE" and a line feed, cut to what fits into one record of the kernel log.
[[nodiscard]] std::string log_text(std::string_view program, std::string_view line);

// Writes such a text to the kernel log alone.
void log_to_kernel(LogLevel level, std::string_view text);

// Writes "composefs-root: LINE" to the kernel log. An error that the kernel would not show on the console for
// its loglevel is written there too.
void log(LogLevel level, std::string_view line);

}  // namespace cfs
