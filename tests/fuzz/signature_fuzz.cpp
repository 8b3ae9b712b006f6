// SPDX-License-Identifier: Apache-2.0
// Any bytes: parse_signatures() refuses them, or they are exactly the lines that it gives. Nothing in them is
// a valid signature.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cfs/trust/signature.hpp"

namespace {

const std::vector<cfs::PublicKey>& keys() {
  // The public key of RFC 8032, section 7.1, test 1.
  static const std::vector<cfs::PublicKey> keys{
      cfs::PublicKey::parse({"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
                             "\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a"
                             "\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a",
                             44})
          .value()};
  return keys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = cfs::parse_signatures(text);
  if (lines) {
    std::string again;
    for (const cfs::SignatureLine& line : *lines) {
      again += cfs::format_signature(line);
    }
    if (again != text) {
      std::abort();
    }
  }
  if (cfs::check_signatures(cfs::manifest_signature_prefix, "bytes", text, keys(), {})) {
    std::abort();
  }
  return 0;
}
