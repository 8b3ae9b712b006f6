// SPDX-License-Identifier: Apache-2.0
// Any bytes as a key file, and as a signature by each kind of key: refused without a crash.
#include <cstdint>
#include <cstdlib>

#include "cfs/trust/key.hpp"

namespace {

// The base points of P-256 and P-384 as public keys: valid.
constexpr std::string_view p256{
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"
    "\x04"
    "\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1"
    "\x39\x45"
    "\xd8\x98\xc2\x96\x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31"
    "\x5e\xce"
    "\xcb\xb6\x40\x68\x37\xbf\x51\xf5",
    91};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const cfs::PublicKey key = cfs::PublicKey::parse(p256).value();
  static_cast<void>(cfs::verify(key, "message", {data, size}));
  const auto parsed = cfs::PublicKey::parse({reinterpret_cast<const char*>(data), size});
  if (parsed) {
    static_cast<void>(cfs::verify(*parsed, "message", {data, size}));
  }
  return 0;
}
