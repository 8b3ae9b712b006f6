// SPDX-License-Identifier: Apache-2.0
#include "cfs/doors/visible_cmdline.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/doors/doors.hpp"
#include "cfs/trust/cmdline.hpp"

namespace cfs {

namespace {

bool is_hidden(std::string_view word, const Policy& policy) {
  if (policy.cmdline.hide.empty()) {
    return false;
  }
  const Cmdline parsed = Cmdline::parse(word);
  return std::ranges::any_of(policy.cmdline.hide, [&](const WordPattern& pattern) {
    return std::ranges::any_of(parsed.parameters(),
                               [&](const Parameter& parameter) { return pattern.matches(parameter); });
  });
}

bool is_mount(const std::string& path) {
  struct statx status{};
  return ::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW, 0, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Whoever was root can have mounted any number of things over each other.
Result<> detach_all(Kernel& kernel, const std::string& path) {
  constexpr int most = 1000;
  for (int i = 0; i < most && is_mount(path); ++i) {
    kernel.detach(path);
  }
  return is_mount(path) ? fail(Code::mount_failed, cat("detach what is mounted at ", path)) : Result<>();
}

// A read-only file system, for the root user alone, of the file "cmdline" with these bytes and the directory
// "proc".
Result<Fd> make_file_system(Kernel& kernel, std::string_view bytes) {
  Fd memory = CFS_TRY(kernel.mount({.type = "tmpfs",
                                    .source = "composefs-root",
                                    .options = {{"mode", "0700"}, {"size", "128k"}, {"nr_inodes", "3"}},
                                    .superblock = Access::read_write,
                                    .mount = Access::read_write,
                                    .noexec = true}));
  {
    const Fd file(::openat(memory.get(), "cmdline", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
    if (!file || ::mkdirat(memory.get(), "proc", 0700) != 0) {
      return fail_errno(Code::mount_failed, "create the copy");
    }
    CFS_TRY_IN(write_all(file, bytes), "write the copy");
  }
  CFS_TRY(kernel.set_file_system_access(memory, Access::read_only));
  return memory;
}

}  // namespace

std::string filter_cmdline(std::string_view text, const Policy& policy) {
  std::vector<std::string_view> words = cmdline_words(text);
  const auto hidden = std::erase_if(words, [&](std::string_view word) { return is_hidden(word, policy); });
  bool closed = false;
  for (const Door& door : all_doors()) {
    if (policy.doors.*door.open) {
      continue;
    }
    for (const std::string_view word : door.words) {
      std::erase(words, word);  // the kernel was executed with such a copy
      words.push_back(word);    // the last word counts
      closed = true;
    }
  }
  if (hidden == 0 && !closed) {
    return std::string(text);
  }
  std::string filtered;
  for (const std::string_view word : words) {
    filtered += cat(filtered.empty() ? "" : " ", word);
  }
  return filtered + '\n';
}

Result<> cover_cmdline(Kernel& kernel, std::string_view bytes) {
  CFS_TRY(uncover_cmdline(kernel));
  CFS_TRY(detach_all(kernel, visible_cmdline_directory));
  CFS_TRY(create_directory(visible_cmdline_directory, 0700, Code::mount_failed));
  const Fd proc = CFS_TRY(open_directory("/proc"));
  const Fd place = CFS_TRY(open_directory(visible_cmdline_directory));
  const Fd whole = CFS_TRY(kernel.clone_tree(proc, ""));
  const Fd memory = CFS_TRY(make_file_system(kernel, bytes));
  CFS_TRY(kernel.attach(memory, place, "."));
  CFS_TRY(kernel.attach(whole, memory, "proc"));
  return kernel.attach(CFS_TRY(kernel.clone_tree(memory, "cmdline")), proc, "cmdline");
}

Result<> uncover_cmdline(Kernel& kernel) {
  return detach_all(kernel, cmdline_file);
}

}  // namespace cfs
