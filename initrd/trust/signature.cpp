// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/signature.hpp"

#include <nettle/base64.h>

#include <algorithm>
#include <set>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t key_id_digits = 64;
constexpr std::size_t longest_algorithm = 32;

std::string base64_encode(std::span<const unsigned char> bytes) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
  base64_encode_raw(text.data(), bytes.size(), bytes.data());
  return text;
}

// nullopt unless `text` is the one canonical form: nettle's decoder also takes blanks and loose final bits.
std::optional<std::vector<unsigned char>> base64_decode(std::string_view text) {
  std::vector<unsigned char> bytes(BASE64_DECODE_LENGTH(text.size()));
  base64_decode_ctx context;
  base64_decode_init(&context);
  std::size_t length = bytes.size();
  if (base64_decode_update(&context, &length, bytes.data(), text.size(), text.data()) != 1 ||
      base64_decode_final(&context) != 1) {
    return std::nullopt;
  }
  bytes.resize(length);
  return base64_encode(bytes) == text ? std::optional(std::move(bytes)) : std::nullopt;
}

bool is_algorithm_word(std::string_view text) noexcept {
  return !text.empty() && text.size() <= longest_algorithm &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::optional<SignatureLine> parse_line(std::string_view text) {
  const auto fields = split(text, ' ');
  if (fields.size() != 3 || fields[0].size() != key_id_digits || !from_hex(fields[0]) ||
      !is_algorithm_word(fields[1])) {
    return std::nullopt;
  }
  auto signature = base64_decode(fields[2]);
  if (!signature || signature->empty()) {
    return std::nullopt;
  }
  return SignatureLine{std::string(fields[0]), std::string(fields[1]), std::move(*signature)};
}

// Why a line does not count; empty when it does.
std::string_view objection(const SignatureLine& line, std::string_view message,
                           std::span<const PublicKey> keys, const Policy::Trust& trust) {
  const auto key =
      std::find_if(keys.begin(), keys.end(), [&](const PublicKey& known) { return known.id == line.key_id; });
  if (key == keys.end()) {
    return "unknown key";
  }
  if (trust.revoked.contains(key->id)) {
    return "revoked key";
  }
  if (line.algorithm != name(key->algorithm)) {
    return "not the algorithm of this key";
  }
  if (!verify(*key, message, line.signature)) {
    return "invalid signature";
  }
  return {};
}

}  // namespace

Result<std::vector<SignatureLine>> parse_signatures(std::string_view text) {
  if (text.size() > signature_file_max_bytes) {
    return fail(Code::signature_malformed,
                cat("larger than the ", signature_file_max_bytes, " bytes a signature file may have"));
  }
  std::vector<SignatureLine> lines;
  while (!text.empty()) {
    if (lines.size() == signature_max_lines) {
      return fail(Code::signature_malformed, cat("more than ", signature_max_lines, " lines"));
    }
    const auto end = text.find('\n');
    auto line = end == std::string_view::npos ? std::nullopt : parse_line(text.substr(0, end));
    if (!line) {
      return fail(Code::signature_malformed,
                  cat("line ", lines.size() + 1, " is not \"KEY-ID ALGORITHM BASE64\" and a line feed"));
    }
    lines.push_back(std::move(*line));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string format_signature(const SignatureLine& line) {
  return cat(line.key_id, ' ', line.algorithm, ' ', base64_encode(line.signature), '\n');
}

Result<std::vector<std::string>> check_signatures(std::string_view prefix, std::string_view bytes,
                                                  std::string_view signature_file,
                                                  std::span<const PublicKey> keys,
                                                  const Policy::Trust& trust) {
  const auto lines = CFS_TRY(parse_signatures(signature_file));
  const std::string message = cat(prefix, bytes);
  std::set<std::string> signers;
  std::string objections;
  for (const SignatureLine& line : lines) {
    const auto why = objection(line, message, keys, trust);
    if (why.empty()) {
      signers.insert(line.key_id);
    } else {
      objections += cat(objections.empty() ? "; " : ", ", short_key_id(line.key_id), ": ", why);
    }
  }
  // A threshold of 0 cannot come out of a policy; if one did, it would still not make signatures optional.
  const auto needed = std::max<std::uint64_t>(trust.threshold, 1);
  if (signers.size() < needed) {
    return fail(Code::signature_untrusted,
                cat("valid signatures by ", signers.size(), " of the ", needed, " keys needed, in ",
                    lines.size(), lines.size() == 1 ? " line" : " lines", objections));
  }
  return std::vector<std::string>(signers.begin(), signers.end());
}

}  // namespace cfs
