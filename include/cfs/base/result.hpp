// SPDX-License-Identifier: Apache-2.0
// One error type for the whole project: a stable code, what was being done, as one sentence, and where the
// code says too little, what to do.
//
// A function that can fail returns Result<T>. Each layer adds what it was doing, in the user's words, so
// that main can print one line:   PROGRAM: CODE: WHAT, IN CONTEXT: WHAT TO DO
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace cfs {

// Stable names: scripts, tests and boot.json rely on name(code). Add, never rename.
enum class Code : std::uint8_t {
  usage,                // the command line of a program is invalid
  io_error,             // a system call failed in a way no other code names
  not_found,            // a file or directory that the user named is not there
  already_exists,       // refused to overwrite
  unsupported_input,    // an input file of a kind that cannot be represented
  input_changed,        // a file changed while it was read
  archive_malformed,    // a tar stream or an OCI image that is malformed or ambiguous
  blob_mismatch,        // a blob of an OCI image is not the one its digest names
  interrupted,          // SIGINT or SIGTERM
  policy_missing,       // no policy in the initramfs
  policy_malformed,     // the policy does not say what a policy must say
  key_malformed,        // a key file is not a key of a supported algorithm
  key_missing,          // no keys at all
  parameter_refused,    // a kernel command line parameter that the policy does not allow
  module_failed,        // a kernel module could not be loaded
  module_refused,       // the kernel does not accept the signature of a module, or that it has none
  device_missing,       // no such device before the deadline
  device_ambiguous,     // two devices carry the tag
  device_unreadable,    // the device holds no file system that we mount
  file_system_refused,  // not the file system that the policy names, or one that asks for too much
  mount_failed,         // the kernel refused a mount
  kernel_feature,       // the running kernel lacks a feature that a verified root needs
  path_refused,         // a link, a device or another file where only a plain file of the store may be
  store_malformed,      // no store on the device, or one without the parts it must have
  manifest_missing,     // no such manifest in the store
  manifest_malformed,   // the manifest was signed, and is still not a manifest, or not one of its image
  signature_missing,    // no signature file beside the manifest
  signature_malformed,  // a line of the signature file is not a signature line
  signature_untrusted,  // fewer valid signatures by known keys than the policy demands
  image_id_mismatch,    // a manifest for another product
  version_too_low,      // security-version below the floor: a rollback
  kernel_mismatch,      // the running kernel is not the one the manifest requires
  image_missing,        // the object that the manifest names is not in the store
  image_malformed,      // the bytes are not a metadata image as composefs writes it
  verity_missing,       // the image or an object has no fs-verity: nothing protects its bytes
  digest_mismatch,      // the image is not the one that the manifest names, or an object not the image's
  object_damaged,       // an object's contents do not hash to its name
  object_missing,       // an image needs an object that the store does not have
  init_refused,         // init= names a program that the manifest does not allow
  init_failed,          // the init program could not be executed
  state_failed,         // /etc, /var or machine-id could not be set up
  no_candidate,         // no manifest was acceptable
  root_replaced,        // the root is not, or not only, the verified one
  report_malformed,     // boot.json does not say what it must say
  initrd_refused,       // an initrd in which the command line could start something before composefs-root, or
                        // instead
  profile_malformed,    // not a boot profile, or another image's
  door_open,  // what would let in code from outside the verified root could not be, or is not, closed
};

// The stable name, such as "digest-mismatch".
[[nodiscard]] std::string_view name(Code code) noexcept;

// What the person who sees the code on a device can do about it: a clause without a final full stop. At a
// build host other advice fits: cfs/tool/host_advice.hpp.
[[nodiscard]] std::string_view advice(Code code) noexcept;

// Advice for one error, which knows better than its code: a clause that is a constant of the program.
class Advice {
 public:
  constexpr Advice() = default;
  consteval Advice(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] constexpr const char* text() const noexcept { return text_; }

 private:
  const char* text_ = nullptr;  // a pointer alone: every Result carries it
};

class Error {
 public:
  Error(Code code, std::string what, Advice advice = {})
      : code_(code), what_(std::move(what)), advice_(advice) {}

  [[nodiscard]] Code code() const noexcept { return code_; }
  [[nodiscard]] const std::string& what() const noexcept { return what_; }

  // Puts "DOING: " before what was said so far.
  Error&& within(std::string_view doing) && {
    what_.insert(0, ": ").insert(0, doing);
    return std::move(*this);
  }

  // "CODE: WHAT: ADVICE", the part of the one line that follows the program's name. The advice is the error's
  // own, else the code's for a device.
  [[nodiscard]] std::string line() const { return line(cfs::advice(code_)); }

  // The same with other advice for the code.
  [[nodiscard]] std::string line(std::string_view advice) const;

  [[nodiscard]] Advice advice() const noexcept { return advice_; }

 private:
  Code code_;
  std::string what_;
  Advice advice_;
};

template <class T = void>
using Result = tl::expected<T, Error>;

// Usage: `return fail(Code::path_refused, cat(path, " is a symbolic link"));`
[[nodiscard]] inline tl::unexpected<Error> fail(Code code, std::string what, Advice advice = {}) {
  return tl::unexpected<Error>(Error(code, std::move(what), advice));
}

// The same for a failed system call: appends the text of `error` (an errno value, or -errno as the kernel
// returns it).
[[nodiscard]] tl::unexpected<Error> fail_errno(Code code, std::string_view what, int error = errno);

// The kernel's text for an errno value, such as "No such file or directory". Thread-safe.
[[nodiscard]] std::string errno_text(int error);

namespace detail {
template <class T>
T take(Result<T>& result) {
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}
}  // namespace detail

}  // namespace cfs

// CFS_TRY(expression): the value of a Result, or return its error from the calling function.
// CFS_TRY_IN(expression, context): the same, with "context: " put before the error. The context is a string
// expression evaluated only on failure. Not inside braces that build an object of several members: returning
// from there, GCC does not destroy those built already. NOLINTBEGIN(bugprone-macro-parentheses): a
// declaration's name and a member call cannot stand in parentheses.
#define CFS_TRY_NAMED_(variable, expression, on_error)                             \
  (__extension__({                                                                 \
    auto variable = (expression);                                                  \
    if (!variable) [[unlikely]] {                                                  \
      return ::tl::unexpected<::cfs::Error>(std::move(variable.error()) on_error); \
    }                                                                              \
    ::cfs::detail::take(variable);                                                 \
  }))
#define CFS_TRY_PASTE2_(a, b) a##b
#define CFS_TRY_PASTE_(a, b) CFS_TRY_PASTE2_(a, b)
#define CFS_TRY(expression) CFS_TRY_NAMED_(CFS_TRY_PASTE_(result_, __COUNTER__), (expression), )
#define CFS_TRY_IN(expression, context) \
  CFS_TRY_NAMED_(CFS_TRY_PASTE_(result_, __COUNTER__), (expression), .within(context))
// NOLINTEND(bugprone-macro-parentheses)
