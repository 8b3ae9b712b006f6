#include "cfs/visible_cmdline.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "cfs/cmdline.hpp"
#include "cfs/doors.hpp"
#include "cfs/file.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

constexpr auto covered_file = "/proc/cmdline";

bool is_hidden(std::string_view word, const Policy& policy) {
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

// A directory of ours, and nobody else's business.
Result<Fd> make_own_directory(const Fd& parent, const std::string& name) {
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno(Code::mount_failed, cat("create ", name));
  }
  Fd directory = CFS_TRY(open_directory_beneath(parent, name));
  if (::fchmodat(parent.get(), name.c_str(), 0700, 0) != 0 ||
      ::fchownat(parent.get(), name.c_str(), 0, 0, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno(Code::mount_failed, cat("make ", name, " the root user's alone"));
  }
  return directory;
}

MountRequest writable(std::string type) {
  return {.type = std::move(type),
          .source = "composefs-root",
          .superblock = Access::read_write,
          .mount = Access::read_write,
          .noexec = true};
}

// A mount of nothing but a file with these bytes, detached. The kernel clones no part of a mount that is not
// attached (EINVAL up to Linux 6.14), so its file system is attached in `place` for a moment.
Result<Fd> make_file_mount(Kernel& kernel, const Fd& place, std::string_view bytes) {
  MountRequest request = writable("tmpfs");
  request.options = {{"mode", "0755"}, {"size", "128k"}, {"nr_inodes", "3"}};
  const Fd memory = CFS_TRY(kernel.mount(request));
  {
    const Fd file(
        ::openat(memory.get(), "cmdline", O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0444));
    if (!file) {
      return fail_errno(Code::mount_failed, "create the copy");
    }
    CFS_TRY_IN(write_all(file, bytes), "write the copy");
  }
  CFS_TRY(kernel.set_file_system_access(memory, Access::read_only));
  CFS_TRY(make_own_directory(place, "cmdline"));
  CFS_TRY(kernel.attach(memory, place, "cmdline"));
  auto mount = kernel.clone_tree(memory, "cmdline");
  kernel.detach(cat(open_procfs_directory, "/cmdline"));
  if (::unlinkat(place.get(), "cmdline", AT_REMOVEDIR) != 0) {
    return fail_errno(Code::mount_failed, "remove the place of the copy");
  }
  return mount;
}

}  // namespace

std::string filter_cmdline(std::string_view text, const Policy& policy) {
  std::vector<std::string_view> words = cmdline_words(text);
  const auto hidden = std::erase_if(words, [&](std::string_view word) { return is_hidden(word, policy); });
  const auto kept = words.size();
  for (const Door& door : all_doors()) {
    if (!(policy.doors.*door.open)) {
      words.insert(words.end(), door.words.begin(), door.words.end());
    }
  }
  if (hidden == 0 && words.size() == kept) {
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
  const std::string own = open_procfs_directory;
  const Fd place = CFS_TRY(
      make_own_directory(CFS_TRY(open_directory("/dev")), own.substr(std::string_view("/dev/").size())));
  for (const char* name : {"/proc", "/cmdline"}) {
    CFS_TRY(detach_all(kernel, own + name));
  }
  CFS_TRY(make_own_directory(place, "proc"));
  const Fd procfs = CFS_TRY(kernel.mount(writable("proc")));
  CFS_TRY(kernel.attach(procfs, place, "proc"));

  const Fd copy = CFS_TRY(make_file_mount(kernel, place, bytes));
  return kernel.attach(copy, CFS_TRY(open_directory("/proc")), "cmdline");
}

Result<> uncover_cmdline(Kernel& kernel) {
  return detach_all(kernel, covered_file);
}

}  // namespace cfs
