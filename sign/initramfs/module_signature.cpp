// SPDX-License-Identifier: Apache-2.0
#include "cfs/initramfs/module_signature.hpp"

#include <cstdint>
#include <string_view>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view marker = "~Module signature appended~\n";

// struct module_signature: eight bytes, 0 but for the third, the kind of signature, and the signature's
// length, big-endian.
constexpr std::size_t trailer_size = 12;
constexpr std::string_view pkcs7_trailer("\0\0\2\0\0\0\0\0", 8);

// The length of the signature before a trailer.
std::size_t signature_size(std::string_view trailer) {
  std::size_t size = 0;
  for (const char byte : trailer.substr(pkcs7_trailer.size())) {
    size = size << 8 | static_cast<std::uint8_t>(byte);
  }
  return size;
}

}  // namespace

Result<> strip_module_signature(std::string& module) {
  while (module.ends_with(marker)) {
    const std::string_view rest(module.data(), module.size() - marker.size());
    if (rest.size() < trailer_size) {
      return fail(Code::module_failed, "it is cut off before its signature");
    }
    const std::string_view trailer = rest.substr(rest.size() - trailer_size);
    if (!trailer.starts_with(pkcs7_trailer)) {
      return fail(Code::module_failed, "its signature is not of the kind that Linux makes, PKCS #7");
    }
    const std::size_t size = signature_size(trailer);
    const std::size_t before = rest.size() - trailer_size;
    if (size == 0 || size >= before) {
      return fail(Code::module_failed,
                  cat("its signature is said to have ", size, " bytes, where ", before, " lie before it"));
    }
    module.resize(before - size);
  }
  return {};
}

}  // namespace cfs
