// SPDX-License-Identifier: Apache-2.0
#include "cfs/generator/generator_program.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "cfs/base/log.hpp"
#include "cfs/decision/initrd_kind.hpp"
#include "cfs/generator/generator.hpp"

namespace cfs {

namespace {

constexpr auto usage =
    "Usage: composefs-root-generator DIRECTORY [EARLY-DIRECTORY LATE-DIRECTORY]\n"
    "\n"
    "Writes the units that make systemd mount a verified root in an initrd: a generator, which systemd "
    "runs.\n"
    "\n"
    "  -h, --help     show this text\n"
    "  -V, --version  show the version\n"
    "\n"
    "See composefs-root-generator(8).\n";

// systemd runs generators with a standard error that leads nowhere.
bool stderr_is_usable() {
  struct stat status{};
  return ::fstat(STDERR_FILENO, &status) == 0 &&
         !(S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(1, 3));  // /dev/null
}

// To standard error, or from a boot to the kernel log.
void log_error(std::string_view line) {
  const std::string text = log_text("composefs-root-generator", line);
  if (::getenv("SYSTEMD_SCOPE") == nullptr && stderr_is_usable()) {
    (void)!::write(STDERR_FILENO, text.data(), text.size());
  } else {
    log_to_kernel(LogLevel::error, text);
  }
}

}  // namespace

int run_generator(const std::vector<std::string>& arguments) {
  const std::string argument = arguments.size() == 1 ? arguments[0] : "";
  if (argument == "--help" || argument == "-h") {
    return ::fputs(usage, stdout) < 0 ? 1 : 0;
  }
  if (argument == "--version" || argument == "-V") {
    return ::puts("composefs-root-generator " CFS_VERSION) < 0 ? 1 : 0;
  }
  if (arguments.size() != 1 && arguments.size() != 3) {
    log_error("usage: one directory, or three: see --help");
    return 2;
  }
  if (!in_initrd("")) {
    return 0;
  }
  const auto generated = generate("", arguments.size() == 3 ? arguments[1] : arguments[0]);
  if (!generated) {
    log_error(generated.error().line());
    return 1;
  }
  return 0;
}

}  // namespace cfs
