// SPDX-License-Identifier: Apache-2.0
// A record of all that a whole system has executed, from before its init on: see exec_recorder.cpp.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "login_console.hpp"

namespace cfs::test {

// Puts the recorder in the place of a root's systemd, which it executes.
void install_exec_recorder(const std::filesystem::path& root);

// Ends the recording, which is possible once a boot. Returns each file that was executed, or mapped to be
// executed, and is not the image's, made of `root`: "DEVICE PATH", or "PATH: changed" for one of /etc that is
// another than the image's. What is on the root's own device is: nothing can be written to it.
[[nodiscard]] std::set<std::string> executed_besides_image(Console& console,
                                                           const std::filesystem::path& root);

}  // namespace cfs::test
