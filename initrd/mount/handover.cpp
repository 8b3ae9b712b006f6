// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/handover.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cfs/base/directory_tree.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/stage_marker.hpp"
#include "cfs/base/text.hpp"
#include "cfs/decision/initrd_kind.hpp"

namespace cfs {

namespace {

std::vector<char*> c_strings(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) {
    pointers.push_back(const_cast<char*>(string.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<> check_init(const Fd& root, const std::string& init) {
  const auto program = open_path_in_root(root, init);
  if (!program) {
    return fail(Code::init_failed, cat("find the init program in the root: ", program.error().what()));
  }
  struct stat status{};
  if (::fstat(program->get(), &status) != 0 || !S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0) {
    return fail(Code::init_failed, cat(printable(init), " in the root is not a program"));
  }
  return {};
}

Result<> check_os_release(const Fd& root) {
  for (const char* file : {"etc/os-release", "usr/lib/os-release"}) {
    if (open_path_in_root(root, file)) {
      return {};
    }
  }
  return fail(Code::init_failed, "the root has no os-release, and systemd does not enter such a root");
}

Result<> check_enters_systemd(const Fd& root, const std::string& init) {
  const auto systemd = open_path_in_root(root, systemd_program);
  if (!systemd) {
    return {};
  }
  const Fd program = CFS_TRY(open_path_in_root(root, init));
  struct stat wanted{};
  struct stat told{};
  if (::fstat(systemd->get(), &wanted) != 0 || ::fstat(program.get(), &told) != 0) {
    return fail_errno(Code::io_error, "look at the init program");
  }
  if (wanted.st_dev != told.st_dev || wanted.st_ino != told.st_ino) {
    return fail(Code::init_refused,
                cat("init=", printable(init),
                    " is not the root's systemd, and from an initrd with systemd it would find "
                    "the doors open"));
  }
  return {};
}

Result<> switch_root(Kernel& kernel, const Fd& tree) {
  const Fd old_root = CFS_TRY(open_directory("/"));
  CFS_TRY(create_directory("/sysroot", 0700, Code::mount_failed));
  CFS_TRY(kernel.attach(tree, old_root, "sysroot"));
  mark_stage<Stage::attached>();
  for (const std::string name : {"dev", "proc", "sys", "run"}) {
    CFS_TRY_IN(kernel.move(cat('/', name), tree, name), cat("the image needs a directory /", name));
  }
  struct statfs file_system{};
  if (::fstatfs(old_root.get(), &file_system) == 0 &&
      (file_system.f_type == RAMFS_MAGIC || file_system.f_type == TMPFS_MAGIC)) {
    (void)remove_tree(old_root);
  }
  return kernel.make_root(tree);
}

Error execute(const std::string& init, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment) {
  std::vector<std::string> words{init};
  words.insert(words.end(), arguments.begin(), arguments.end());
  ::execve(init.c_str(), c_strings(words).data(), c_strings(environment).data());
  return fail_errno(Code::init_failed, cat("execute ", printable(init))).value();
}

}  // namespace cfs
