// Called as mount.composefs in an initrd of the reference tools: marks the stages around the real one,
// mount.composefs.real, for which it also makes the directories of a writable layer in memory.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "cfs/stage_marker.hpp"

int main(int, char** argv) {
  using cfs::Stage;
  // The unit of this mount is ordered after the store's.
  cfs::mark_stage<Stage::store_mount>();
  for (const char* directory : {"/run/layer", "/run/layer/upper", "/run/layer/work"}) {
    (void)::mkdir(directory, 0755);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::execv("/usr/sbin/mount.composefs.real", argv);
    std::perror("mount.composefs.real");
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
