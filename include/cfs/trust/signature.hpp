// SPDX-License-Identifier: Apache-2.0
// Signature files: NAME.toml.sig, one signature a line, "key-id algorithm base64".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/trust/key.hpp"
#include "cfs/trust/policy.hpp"

namespace cfs {

inline constexpr std::size_t signature_max_lines = 32;
inline constexpr std::size_t signature_file_max_bytes = 16UL * 1024;

// What is signed is this prefix, its final NUL included, and then the raw bytes of the file.
inline constexpr std::string_view manifest_signature_prefix{"composefs-root manifest v1\0", 27};

struct SignatureLine {
  std::string key_id;     // 64 lower-case hex digits
  std::string algorithm;  // the file's word, compared with the key's own
  std::vector<unsigned char> signature;
};

// Strict: exactly two single blanks, canonical padded base64, each line ended by a line feed, no blank lines.
// Code::signature_malformed, for one bad line refuses the file.
[[nodiscard]] Result<std::vector<SignatureLine>> parse_signatures(std::string_view text);

// One line of a signature file, line feed included.
[[nodiscard]] std::string format_signature(const SignatureLine& line);

// The ids of the distinct keys among `keys` whose signature over prefix + bytes is valid, in order of id;
// revoked keys do not count. Code::signature_malformed; Code::signature_untrusted when they are fewer than
// policy.trust.threshold, saying why each line did not count (unknown key, revoked, other algorithm,
// invalid).
[[nodiscard]] Result<std::vector<std::string>> check_signatures(std::string_view prefix,
                                                                std::string_view bytes,
                                                                std::string_view signature_file,
                                                                std::span<const PublicKey> keys,
                                                                const Policy::Trust& trust);

}  // namespace cfs
