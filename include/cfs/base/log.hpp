// SPDX-License-Identifier: Apache-2.0
// One line to where people look when a machine does not start: the kernel log and the console.
#pragma once

#include <cstdint>
#include <string_view>

namespace cfs {

enum class LogLevel : std::uint8_t { error = 3, info = 6 };  // as syslog(3) numbers them

// Writes "composefs-root: LINE" to the kernel log. An error that the kernel would not show on the console for
// its loglevel is written there too.
void log(LogLevel level, std::string_view line);

}  // namespace cfs
