// SPDX-License-Identifier: Apache-2.0
// In the place of PROGRAM, which makes the root of an initrd of reference tools (mount.composefs, or
// ostree-prepare-root): marks the stages around the real one, PROGRAM.real. For mount.composefs it also makes
// the directories of a writable layer in memory.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "cfs/base/stage_marker.hpp"

int main(int, char** argv) {
  using cfs::Stage;
  const std::string program = std::string(argv[0]) + ".real";
  // Its unit is ordered after the mount of the store.
  cfs::mark_stage<Stage::store_mount>();
  for (const char* directory : {"/run/layer", "/run/layer/upper", "/run/layer/work"}) {
    (void)::mkdir(directory, 0755);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::execv(program.c_str(), argv);
    std::perror(program.c_str());
    ::_exit(1);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    return 1;
  }
  if (WEXITSTATUS(status) == 0) {
    cfs::mark_stage<Stage::attached>();
  }
  return WEXITSTATUS(status);
}
