// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/xattr.hpp"

#include <sys/xattr.h>

#include <array>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// Runs a call that fills a buffer and answers ERANGE when that is too small.
template <class Call>
Result<std::string> read_growing(const char* doing, Call call) {
  std::string bytes(256, '\0');
  for (;;) {
    const ssize_t size = call(bytes.data(), bytes.size());
    if (size >= 0) {
      bytes.resize(static_cast<std::size_t>(size));
      return bytes;
    }
    if (errno == EOPNOTSUPP) {
      return std::string();
    }
    if (errno == ENODATA) {
      return fail(Code::input_changed, "an extended attribute vanished");
    }
    // XATTR_SIZE_MAX and XATTR_LIST_MAX are 64 KiB: no answer is longer.
    if (errno != ERANGE || bytes.size() > (64UL << 10)) {
      return fail_errno(Code::io_error, doing);
    }
    bytes.resize(bytes.size() * 16 + 1);
  }
}

}  // namespace

Result<> check_xattr_limit(std::span<const Xattr> xattrs) {
  std::size_t total = 12;
  for (const Xattr& xattr : xattrs) {
    total += 7 + xattr.name.size() + xattr.value.size();
  }
  if (total > xattr_limit) {
    return fail(Code::unsupported_input, cat("its extended attributes take ", total, " bytes of the ",
                                             xattr_limit, " that an image can hold"));
  }
  return {};
}

Result<std::vector<Xattr>> read_xattrs(const Fd& file) {
  // flistxattr(2) refuses O_PATH, and symbolic links can be opened in no other way.
  const std::string path = cat("/proc/self/fd/", file.get());
  const std::string names =
      CFS_TRY(read_growing("list the extended attributes", [&](char* data, std::size_t size) {
        const ssize_t listed = ::flistxattr(file.get(), data, size);
        return listed < 0 && errno == EBADF ? ::listxattr(path.c_str(), data, size) : listed;
      }));
  std::vector<Xattr> xattrs;
  for (std::size_t at = 0; at < names.size();) {
    Xattr& xattr = xattrs.emplace_back();
    xattr.name = names.c_str() + at;
    at += xattr.name.size() + 1;
    xattr.value = CFS_TRY_IN(read_growing("read",
                                          [&](char* data, std::size_t size) {
                                            return ::getxattr(path.c_str(), xattr.name.c_str(), data, size);
                                          }),
                             cat("the extended attribute ", printable(xattr.name)));
  }
  CFS_TRY(check_xattr_limit(xattrs));
  return xattrs;
}

}  // namespace cfs
