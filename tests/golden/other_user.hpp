// SPDX-License-Identifier: Apache-2.0
// The programs as they ship, run by a user who is not root. Needs root, to become another user.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "vm/workshop.hpp"

namespace cfs::test {

class OtherUser {
 public:
  static constexpr uid_t id = 65534;  // nobody's; the group's too

  OtherUser() {
    // Copies: the build may lie where only root gets.
    std::filesystem::copy_file(cfs_sign_program, programs_ / "cfs-sign");
    std::filesystem::copy_file(CFS_PROGRAMS "/initrd/composefs-root", composefs_root());
    std::filesystem::permissions(programs_.path(), std::filesystem::perms(0755));
  }

  [[nodiscard]] std::string composefs_root() const { return programs_ / "composefs-root"; }

  // The command that runs cfs-sign so.
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{"setpriv", "--reuid=" + std::to_string(id),
                                   "--regid=" + std::to_string(id), "--clear-groups", programs_ / "cfs-sign"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
  }

 private:
  Workshop programs_;
};

}  // namespace cfs::test
