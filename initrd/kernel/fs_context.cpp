// SPDX-License-Identifier: Apache-2.0
#include "kernel/fs_context.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cfs/base/text.hpp"

namespace cfs {

std::string fd_path(const Fd& fd) {
  return cat("/proc/self/fd/", fd.get());
}

unsigned mount_attributes(const MountRequest& request) noexcept {
  unsigned bits = 0;
  if (request.mount == Access::read_only) {
    bits |= MOUNT_ATTR_RDONLY;
  }
  if (!request.trusted) {
    bits |= MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
  }
  if (request.noexec) {
    bits |= MOUNT_ATTR_NOEXEC;
  }
  return bits;
}

Result<FsContext> FsContext::open(const std::string& type) {
  Fd fd(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!fd) {
    return errno == ENODEV ? fail(Code::kernel_feature, cat("the running kernel has no file system ", type))
                           : fail_errno(Code::mount_failed, cat("fsopen ", type));
  }
  return FsContext(type, std::move(fd));
}

Result<FsContext> FsContext::pick(const Fd& mount) {
  Fd fd(::fspick(mount.get(), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC));
  if (!fd) {
    return fail_errno(Code::mount_failed, "fspick");
  }
  return FsContext("the file system", std::move(fd));
}

Result<> FsContext::set(const MountOption& option) {
  const bool flag = !option.value.has_value();
  return configure(flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, option.name.c_str(),
                   flag ? nullptr : option.value->c_str(), 0,
                   flag ? option.name : cat(option.name, '=', printable(*option.value)));
}

Result<> FsContext::set_fd(const char* option, const Fd& value) {
  return configure(FSCONFIG_SET_FD, option, nullptr, value.get(), cat(option, " by descriptor"));
}

Result<> FsContext::create() {
  return configure(FSCONFIG_CMD_CREATE, nullptr, nullptr, 0, "create");
}

Result<> FsContext::reconfigure() {
  return configure(FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0, "reconfigure");
}

Result<Fd> FsContext::mount(unsigned attributes) {
  Fd mount(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount) {
    return fail_errno(Code::mount_failed, cat("fsmount ", type_));
  }
  return mount;
}

Result<> FsContext::configure(unsigned command, const char* key, const void* value, int aux,
                              const std::string& what) {
  if (::fsconfig(fd_.get(), command, key, value, aux) == 0) {
    return {};
  }
  error_ = errno;
  return fail(Code::mount_failed, cat(type_, ": ", what, ": ", errno_text(error_), messages()));
}

// The kernel's own words: read(2) on the context gives one message a call, "e text" for errors, "w text" and
// "i text" for what comes before them.
std::string FsContext::messages() {
  std::string text;
  std::array<char, 512> line{};
  for (;;) {
    const auto length = ::read(fd_.get(), line.data(), line.size());
    if (length <= 0) {
      break;
    }
    std::string_view message(line.data(), static_cast<std::size_t>(length));
    while (message.ends_with('\n')) {
      message.remove_suffix(1);
    }
    text += cat(text.empty() ? " (kernel: " : "; ",
                printable(message.substr(std::min<std::size_t>(2, message.size()))));
    if (line[0] == 'e') {
      break;
    }
  }
  return text.empty() ? text : text + ')';
}

}  // namespace cfs
