// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <time.h>

#include "cfs/kernel/kernel.hpp"
#include "unit/private_mounts.hpp"

namespace cfs {
namespace {

// What ends the first process of a PID namespace that does this: there, reboot(2) ends that process and not
// the machine, by SIGHUP for a reboot and by SIGINT where the machine would stay off. -1 where there is no
// namespace.
template <class Act>
int ending_of_first_process(Act act) {
  int ending = -1;
  const pid_t outer = ::fork();
  if (outer == 0) {
    if (!enter_namespaces(CLONE_NEWPID)) {
      ::_exit(255);
    }
    const pid_t first = ::fork();
    if (first == 0) {
      if (::getpid() == 1) {  // anywhere else, the machine would go down
        act();
      }
      ::_exit(254);
    }
    int status = 0;
    ::waitpid(first, &status, 0);
    ::_exit(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  }
  ::waitpid(outer, &ending, 0);
  return WIFEXITED(ending) && WEXITSTATUS(ending) != 255 ? WEXITSTATUS(ending) : -1;
}

int ending_of(FailureAction action) {
  return ending_of_first_process([&] { Kernel().act(action); });
}

class KernelPower : public ::testing::Test {
 protected:
  void SetUp() override {
    if (ending_of_first_process([] { ::_exit(0); }) != 0) {
      GTEST_SKIP() << "this kernel gives no PID namespace to this user";
    }
  }
};

TEST_F(KernelPower, DoesWhatTheActionSays) {
  EXPECT_EQ(ending_of(FailureAction::reboot), SIGHUP);
  EXPECT_EQ(ending_of(FailureAction::poweroff), SIGINT);
  EXPECT_EQ(ending_of(FailureAction::halt), SIGINT);
}

// systemd(1), SIGNALS: SIGRTMIN+5 to the first process.
TEST_F(KernelPower, AsksSystemdForAReboot) {
  EXPECT_EQ(ending_of_first_process([] {
              sigset_t asked;
              ::sigemptyset(&asked);
              ::sigaddset(&asked, SIGRTMIN + 5);
              ::sigprocmask(SIG_BLOCK, &asked, nullptr);
              if (::fork() == 0) {
                ::_exit(Kernel().ask_for_reboot() ? 0 : 1);
              }
              const timespec limit{.tv_sec = 10, .tv_nsec = 0};
              siginfo_t from{};
              int status = -1;
              const bool got = ::sigtimedwait(&asked, &from, &limit) == SIGRTMIN + 5;
              ::wait(&status);
              ::_exit(got && status == 0 ? 0 : 1);
            }),
            0);
}

}  // namespace
}  // namespace cfs
