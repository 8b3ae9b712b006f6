// SPDX-License-Identifier: Apache-2.0
#include "suites.hpp"

#include <string_view>

#include "workshop.hpp"

namespace cfs::test {

void PrintTo(const Suites& suites, std::ostream* stream) {
  *stream << suites.name;
}

void make_debian_root(const Suites& suites, const std::vector<std::string>& packages,
                      const std::filesystem::path& root) {
  // Debian 12 has other names for some.
  const std::string time64 = suites.system == std::string_view("bookworm") ? "" : "t64";
  std::vector<std::string> make{CFS_SOURCE "/qemu/debian-root", suites.system};
  make.insert(make.end(), packages.begin(), packages.end());
  make.insert(make.end(),
              {"libarchive13" + time64, "libcom-err2", "libext2fs2" + time64, "libfdisk1", "libfsverity0"});
  must({"cp", "-a", must(make), root});
}

}  // namespace cfs::test
