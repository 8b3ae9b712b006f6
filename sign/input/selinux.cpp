// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/selinux.hpp"

#include <selinux/label.h>
#include <selinux/selinux.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// What libselinux said first: it reports through a callback that has no context.
std::string& first_message() {
  thread_local std::string message;
  return message;
}

// NOLINTNEXTLINE(cert-dcl50-cpp): what libselinux calls
__attribute__((format(printf, 2, 3))) int take_message(int /*type*/, const char* format, ...) {
  std::string& message = first_message();
  if (message.empty()) {
    std::array<char, 512> text{};
    va_list arguments;
    va_start(arguments, format);
    static_cast<void>(std::vsnprintf(text.data(), text.size(), format, arguments));
    va_end(arguments);
    message = text.data();
    message.erase(message.find_last_not_of(" \n") + 1);
  }
  return 0;
}

// Whether a context is valid is for the policy of the device to say; the one of this machine is not asked.
int accept_context(char** /*context*/) {
  return 0;
}

}  // namespace

void SelinuxLabels::Closer::operator()(selabel_handle* handle) const noexcept {
  ::selabel_close(handle);
}

Result<SelinuxLabels> SelinuxLabels::open(const std::string& file_contexts) {
  if (::access(file_contexts.c_str(), R_OK) != 0) {
    return fail_errno(errno == ENOENT ? Code::not_found : Code::io_error,
                      cat("read the file contexts ", printable(file_contexts)));
  }
  first_message().clear();
  selinux_callback callback{};
  callback.func_log = take_message;
  ::selinux_set_callback(SELINUX_CB_LOG, callback);
  callback.func_validate = accept_context;
  ::selinux_set_callback(SELINUX_CB_VALIDATE, callback);
  // Validated, all expressions are compiled here: one that is wrong would otherwise match nothing, in
  // silence.
  static const char yes = 1;
  const std::array options{selinux_opt{SELABEL_OPT_PATH, file_contexts.c_str()},
                           selinux_opt{SELABEL_OPT_VALIDATE, &yes}};
  Handle handle(::selabel_open(SELABEL_CTX_FILE, options.data(), options.size()));
  // It skips some lines that it does not understand: then labels would be missing.
  if (handle == nullptr || !first_message().empty()) {
    return fail(Code::unsupported_input,
                cat("the file contexts ", printable(file_contexts), ": ",
                    first_message().empty() ? errno_text(errno) : printable(first_message())));
  }
  return SelinuxLabels(std::move(handle));
}

Result<std::optional<std::string>> SelinuxLabels::find(const std::string& path, mode_t mode) const {
  char* context = nullptr;
  if (::selabel_lookup_raw(handle_.get(), &context, path.c_str(), static_cast<int>(mode)) != 0) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return fail_errno(Code::io_error, cat("find the SELinux label of ", printable(path)));
  }
  const std::unique_ptr<char, decltype(&::freecon)> owner(context, &::freecon);
  std::string label(context);
  label += '\0';
  return label;
}

}  // namespace cfs
