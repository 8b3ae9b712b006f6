// SPDX-License-Identifier: Apache-2.0
#include "exec_record.hpp"

#include <sstream>

#include "workshop.hpp"

namespace cfs::test {

namespace {

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

void install_exec_recorder(const std::filesystem::path& root) {
  const auto systemd = root / "usr/lib/systemd/systemd";
  std::filesystem::rename(systemd, root / "usr/lib/systemd/systemd.recorded");
  std::filesystem::copy_file(CFS_EXEC_RECORDER, systemd);
}

std::set<std::string> executed_besides_image(Console& console, const std::filesystem::path& root) {
  EXPECT_EQ(console.run("mkdir -p /run/exec-recorder; touch /run/exec-recorder/stop; "
                        "until [ -e /run/exec-recorder/record ]; do sleep 0.1; done; echo done"),
            "done\n");
  const std::string device = first_line(console.run("stat -c %Hd:%Ld /"));
  std::istringstream lines(console.run("cat /run/exec-recorder/record"));
  std::set<std::string> besides;
  int of_image = 0;
  bool complete = false;
  for (std::string line; std::getline(lines, line);) {
    const std::string file = line.substr(line.find(' ') + 1);
    const std::string path = file.substr(file.find(' ') + 1);
    complete = complete || line == "lost 0";
    if (line == "lost 0" || line.empty() || file == "0:0 [vdso]" ||
        path.starts_with("/proc/self/fd/")) {  // executed by descriptor: its mapping has the name
      continue;
    }
    if (file == device + ' ' + path) {
      ++of_image;
    } else if (path.starts_with("/etc/") && std::filesystem::is_regular_file(root / path.substr(1))) {
      // A script with contents of the image, unless it was written to.
      if (first_line(console.run("sha256sum <" + path)) !=
          must({"sh", "-c", "sha256sum <\"$1\"", "sh", root / path.substr(1)})) {
        besides.insert(path + ": changed");
      }
    } else {
      besides.insert(file);
    }
  }
  EXPECT_TRUE(complete);
  EXPECT_GT(of_image, 50);  // of a boot to a login: a record without them is none
  return besides;
}

}  // namespace cfs::test
