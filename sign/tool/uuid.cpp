// SPDX-License-Identifier: Apache-2.0
#include "cfs/tool/uuid.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <span>

#include "cfs/base/text.hpp"

namespace cfs {

std::string Uuid::text() const {
  return uuid_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<std::string> sha256(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  if (EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    return fail(Code::io_error, "OpenSSL offers no SHA-256");
  }
  return std::string(hash.begin(), hash.end());
}

Result<Uuid> derive_uuid(std::string_view content, std::string_view purpose) {
  const std::string hash = CFS_TRY(sha256(cat(purpose, '\0', content)));
  Uuid uuid;
  std::copy_n(hash.begin(), uuid.bytes.size(), uuid.bytes.begin());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x80);  // version 8
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);  // variant 10
  return uuid;
}

}  // namespace cfs
