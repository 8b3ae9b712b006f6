// SPDX-License-Identifier: Apache-2.0
// The Debian systems that whole systems and their initrds are made of.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

namespace cfs::test {

// What a system is put together from.
struct Suites {
  const char* name;
  const char* system;  // Debian suite whose dracut and systemd it has
  const char* kernel;  // and whose kernel
  unsigned systemd;    // its version
};
void PrintTo(const Suites& suites, std::ostream* stream);

inline constexpr Suites debian12{"Debian12", "bookworm", "bookworm-backports", 252};
inline constexpr Suites debian13{"Debian13", "trixie", "trixie", 257};
inline constexpr Suites debian_unstable{"DebianUnstable", "sid", "sid", 262};

// Copies the root directory of such a system to `root`: one with these packages and what cfs-sign needs.
// Throws std::runtime_error.
void make_debian_root(const Suites& suites, const std::vector<std::string>& packages,
                      const std::filesystem::path& root);

}  // namespace cfs::test
