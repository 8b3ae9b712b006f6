// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/running_root.hpp"

#include <libmount/libmount.h>
#include <sys/sysmacros.h>

#include <cstdlib>
#include <memory>
#include <string_view>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

using Table = std::unique_ptr<libmnt_table, void (*)(libmnt_table*)>;

std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The report has paths as the kernel's table has them, libmount gives them without escapes.
std::string unescape(const std::string& text) {
  const std::unique_ptr<char, void (*)(void*)> plain(::mnt_unmangle(text.c_str()), std::free);
  return plain == nullptr ? text : std::string(plain.get());
}

// Not verified, all others are overlays: the file system of the state.
bool is_overlay(const BootReport& report, const TreeMount& mount) {
  return mount.path == "/" || (mount.path == "/etc" && report.etc != "none") ||
         (mount.path == "/var" && report.var == "transient");
}

Result<> check_mount(libmnt_table* table, const TreeMount& recorded, bool overlay) {
  const std::string path = unescape(recorded.path);
  // The last one in the table: what is mounted over another comes after it.
  libmnt_fs* mount = ::mnt_table_find_target(table, path.c_str(), MNT_ITER_BACKWARD);
  if (mount == nullptr) {
    return fail(Code::root_replaced, cat("nothing is mounted at ", printable(path)));
  }
  const dev_t device = ::mnt_fs_get_devno(mount);
  const std::string device_text = cat(major(device), ':', minor(device));
  if (device_text != recorded.device || view(::mnt_fs_get_root(mount)) != unescape(recorded.root)) {
    return fail(Code::root_replaced, cat(printable(path), " is not the mount that the boot made but ",
                                         printable(view(::mnt_fs_get_fstype(mount))), ' ',
                                         printable(view(::mnt_fs_get_source(mount))), " (", device_text,
                                         ", not ", printable(recorded.device), ')'));
  }
  if (!overlay) {
    return {};
  }
  char* value = nullptr;
  std::size_t size = 0;
  const char* options = ::mnt_fs_get_fs_options(mount);
  const bool has_verity =
      options != nullptr && ::mnt_optstr_get_option(options, "verity", &value, &size) == 0;
  if (view(::mnt_fs_get_fstype(mount)) != "overlay" || !has_verity ||
      std::string_view(value, size) != "require") {
    return fail(Code::root_replaced, cat(printable(path), " is not an overlay with verity=require"));
  }
  return {};
}

Result<> check_programs(libmnt_table* table) {
  const std::unique_ptr<libmnt_iter, void (*)(libmnt_iter*)> iterator(::mnt_new_iter(MNT_ITER_FORWARD),
                                                                      ::mnt_free_iter);
  libmnt_fs* mount = nullptr;
  while (::mnt_table_next_fs(table, iterator.get(), &mount) == 0) {
    const std::string_view target = view(::mnt_fs_get_target(mount));
    if (target == "/usr" || target.starts_with("/usr/")) {
      return fail(Code::root_replaced, cat("what is mounted at ", printable(target), " was not verified"));
    }
  }
  return {};
}

}  // namespace

Result<> check_running_root(const BootReport& report, const std::string& mount_table) {
  const Table table(::mnt_new_table_from_file(mount_table.c_str()), ::mnt_unref_table);
  if (table == nullptr) {
    return fail_errno(Code::io_error, cat("read the mount table ", printable(mount_table)));
  }
  for (const TreeMount& mount : report.mounts) {
    CFS_TRY(check_mount(table.get(), mount, is_overlay(report, mount)));
  }
  CFS_TRY(check_programs(table.get()));
  if (report.root_mode == "transient") {
    return fail(Code::root_replaced,
                "the policy has state.root = \"transient\": anything may have been changed");
  }
  return {};
}

}  // namespace cfs
